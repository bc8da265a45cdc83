// The chat, over WebSocket and Server-Sent Events. Texts of other members are never read as HTML.
'use strict';

{
  const $ = id => document.getElementById(id);

  /// Close codes after which the page reconnects: the server goes away, restarts, or is overloaded.
  const RECONNECT_CODES = [1001, 1012, 1013];

  let socket;
  let attempts = 0;
  let timer;

  // The events of the room, the same in both protocols.

  /// A list of events, and the names of the members.
  class View {
    /// The element for the file whose bytes come next.
    awaitedFile;
    /// Whether the end of the list is in view.
    atEnd = true;

    constructor(list, present) {
      Object.assign(this, { list, present });
      list.onscroll = () => {
        this.atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
      };
      new ResizeObserver(() => this.keepEnd()).observe(list);
    }

    /// Scrolls to the end again after the list has shrunk or an image has grown.
    keepEnd() {
      if (this.atEnd) this.list.scrollTop = this.list.scrollHeight;
    }

    clear() {
      this.list.replaceChildren();
    }

    /// Shows an event. A file is loaded by its URL unless its bytes follow.
    show(event, bytesFollow = false) {
      switch (event.type) {
        case 'presence':
          this.present.replaceChildren(...event.names.map(name => create('li', '', name)));
          break;
        case 'joined':
          this.notice(`${event.name} joined`);
          break;
        case 'left':
          this.notice(`${event.name} left (${departure(event)})`);
          break;
        case 'message':
          this.entry(event, create('p', 'words', event.text));
          break;
        case 'file': {
          const file = create(event.mime.startsWith('image/') ? 'img' : 'a', 'file', '');
          this.entry(event, file);
          file.dataset.bytes = event.bytes;
          if (file.tagName === 'IMG') {
            file.alt = `image from ${event.from}, ${size(event.bytes)}`;
            file.onload = () => this.keepEnd();
          } else {
            file.textContent = `⬇ file, ${size(event.bytes)}`;
            file.download = 'file';
          }
          if (bytesFollow) this.awaitedFile = file;
          else setSource(file, event.url);
        }
      }
    }

    showBytes(bytes) {
      setSource(this.awaitedFile, URL.createObjectURL(bytes));
    }

    notice(text) {
      append(this.list, create('li', 'notice', text));
    }

    entry({ from, at }, content) {
      const item = create('li', from === myName && this === chat ? 'mine' : '', '');
      const time = create('time', 'dim', new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }));
      time.dateTime = new Date(at).toISOString();
      const head = document.createElement('div');
      head.append(create('b', '', from), time);
      head.style.setProperty('--hue', hue(from));
      item.append(head, content);
      append(this.list, item);
    }
  }

  const setSource = (file, url) => { file[file.tagName === 'IMG' ? 'src' : 'href'] = url; };
  const size = bytes => bytes < 1024 ? `${bytes} B` : bytes < 2 ** 20 ? `${Math.round(bytes / 1024)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  const hue = name => [...name].reduce((sum, character) => (sum + character.codePointAt(0)) * 137 % 360, 0);

  function departure({ by, code, reason }) {
    if (!by) return 'connection lost';
    const side = by === 'server' ? 'closed by the server' : '';
    return [[code ?? 'no code', reason].filter(Boolean).join(' '), side].filter(Boolean).join(', ');
  }

  let myName;
  const chat = new View($('chat'), $('present'));

  // Members talk over WebSocket.

  function showChatState(state, text) {
    $('chat-state').dataset.state = state;
    $('chat-state').textContent = text;
    const closed = state === 'closed';
    $('join').hidden = !closed;
    $('say').hidden = $('leave').hidden = closed;
    $('send').ariaDisabled = state !== 'open';
  }

  function connect() {
    clearTimeout(timer);
    showChatState('connecting', 'connecting …');
    let history = 0;
    const url = new URL(`/chat?${new URLSearchParams({ name: sessionStorage.name })}`, location);
    url.protocol = url.protocol.replace('http', 'ws');
    socket = new WebSocket(url);
    socket.onmessage = ({ data }) => {
      if (typeof data !== 'string') return chat.showBytes(data);
      const event = JSON.parse(data);
      if (event.type === 'welcome') {
        ({ name: myName, history } = event);
        attempts = 0;
        chat.clear();
        showChatState('open', `open, as ${myName}`);
      } else if (event.type === 'refused') {
        chat.notice(`Not sent. ${event.why}`);
      } else {
        chat.show(event, history <= 0);
        history -= 1;
      }
    };
    socket.onclose = onClose;
  }

  function onClose({ code, reason, wasClean }) {
    if (code === 1005) reason = 'without a code';
    const closed = `closed ${code}${reason && ` ${reason}`}, ${wasClean ? 'clean' : 'not clean'}`;
    Object.assign($('chat-state').dataset, { code, reason, clean: wasClean });
    chat.present.replaceChildren();
    if (wasClean && !RECONNECT_CODES.includes(code)) {
      delete sessionStorage.name;
      showChatState('closed', closed);
      return;
    }
    // The pause doubles each time. It is random, so that not all pages reconnect at once.
    const pause = Math.min(500 * 2 ** attempts++, 15000) * (0.75 + Math.random() / 2);
    showChatState('connecting', `${closed}; reconnecting …`);
    timer = setTimeout(connect, pause);
  }

  const send = message => socket.send(JSON.stringify(message));
  const isOpen = () => socket?.readyState === WebSocket.OPEN;

  $('join').onsubmit = event => {
    event.preventDefault();
    localStorage.name = sessionStorage.name = $('name').value.trim();
    connect();
    $('text').focus();
  };

  $('say').onsubmit = event => {
    event.preventDefault();
    const text = $('text').value;
    if (!isOpen() || !text.trim()) return;
    const command = text.match(/^\/close\s+(\d+)\s*(.*)$/s);
    if (command) send({ type: 'close', code: Number(command[1]) % 65536, reason: command[2] });
    else send({ type: 'message', text });
    $('text').value = '';
  };

  $('leave').onsubmit = event => {
    event.preventDefault();
    clearTimeout(timer);
    if (isOpen()) {
      try {
        socket.close(Number($('code').value), $('reason').value);
      } catch (error) {
        chat.notice(error.message);
      }
    } else {
      socket.onclose = null;
      socket.close();
      delete sessionStorage.name;
      showChatState('closed', 'not joined');
    }
  };

  function sendFiles(files) {
    for (const file of files) {
      if (!isOpen()) return;
      if (file.size > 4 * 2 ** 20) chat.notice(`Not sent. The file has ${size(file.size)}, and the limit is 4 MiB.`);
      else socket.send(file);
    }
  }

  $('file').onchange = () => {
    sendFiles($('file').files);
    $('file').value = '';
  };

  $('say').onpaste = event => {
    const { files } = event.clipboardData;
    if (files.length === 0) return;
    event.preventDefault();
    sendFiles(files);
  };

  // Others listen over Server-Sent Events.

  let listener;
  const listened = new View($('listened'), $('listened-present'));

  $('listen').ontoggle = () => {
    listener?.close();
    listener = undefined;
    if (!$('listen').open) return;
    listened.clear();
    listener = new EventSource('/chat');
    listener.addEventListener('chat', ({ data }) => listened.show(JSON.parse(data)));
  };

  $('name').value = sessionStorage.name ?? localStorage.name ?? '';
  if (sessionStorage.name !== undefined) connect();
  else showChatState('closed', 'not joined');
}
