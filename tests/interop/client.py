"""Reads an event stream with httpx-sse and prints one object per line, like sse2json."""

import json
import sys

import httpx
import httpx_sse

with httpx.Client(trust_env=False, timeout=30) as client:
    with httpx_sse.connect_sse(client, "GET", sys.argv[1]) as source:
        for event in source.iter_sse():
            print(json.dumps({"event": event.event, "data": event.data, "last_event_id": event.id}))
