"""Follows an event stream with httpx-sse over reconnections, and prints one object per line."""

import json
import sys
import time

import httpx
import httpx_sse

last_event_id = None
with httpx.Client(trust_env=False, timeout=30) as client:
    while True:
        headers = {"last-event-id": last_event_id} if last_event_id else {}
        try:
            with httpx_sse.connect_sse(client, "GET", sys.argv[1], headers=headers) as source:
                print(json.dumps({"status": source.response.status_code}), flush=True)
                for event in source.iter_sse():
                    # httpx-sse makes events of blocks without data, and forgets the id when the
                    # connection ends.
                    last_event_id = event.id or last_event_id
                    if event.data:
                        line = {"event": event.event, "data": event.data, "last_event_id": event.id}
                        print(json.dumps(line), flush=True)
        except httpx.TransportError:
            pass
        time.sleep(0.2)
