// The chat, over both wires. What others wrote only ever becomes text.
'use strict';

{
  const $ = id => document.getElementById(id);

  /// Codes after which there is a server to come back to: it goes away, restarts, or is overloaded.
  const COME_BACK = [1001, 1012, 1013];

  let socket;
  let attempts = 0;
  let timer;

  // What the room tells, the same on both wires.

  /// A list of what was told, and who is there.
  class View {
    /// The element of the file whose bytes come next.
    awaited;
    /// Whether the reader is at the end, and not scrolled away.
    atEnd = true;

    constructor(list, present) {
      Object.assign(this, { list, present });
      list.onscroll = () => {
        this.atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
      };
      new ResizeObserver(() => this.keepEnd()).observe(list);
    }

    /// After the list shrank, or an image grew.
    keepEnd() {
      if (this.atEnd) this.list.scrollTop = this.list.scrollHeight;
    }

    clear() {
      this.list.replaceChildren();
    }

    /// Shows an event; files are loaded by their URL unless their bytes follow.
    show(told, bytesFollow = false) {
      switch (told.type) {
        case 'presence':
          this.present.replaceChildren(...told.names.map(name => create('li', '', name)));
          break;
        case 'joined':
          this.notice(`${told.name} joined`);
          break;
        case 'left':
          this.notice(`${told.name} left (${departure(told)})`);
          break;
        case 'message':
          this.entry(told, create('p', 'words', told.text));
          break;
        case 'file': {
          const file = create(told.mime.startsWith('image/') ? 'img' : 'a', 'file', '');
          this.entry(told, file);
          file.dataset.bytes = told.bytes;
          if (file.tagName === 'IMG') {
            file.alt = `image from ${told.from}, ${size(told.bytes)}`;
            file.onload = () => this.keepEnd();
          } else {
            file.textContent = `⬇ file, ${size(told.bytes)}`;
            file.download = 'file';
          }
          if (bytesFollow) this.awaited = file;
          else source(file, told.url);
        }
      }
    }

    showBytes(bytes) {
      source(this.awaited, URL.createObjectURL(bytes));
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

  const source = (file, url) => { file[file.tagName === 'IMG' ? 'src' : 'href'] = url; };
  const size = bytes => bytes < 1024 ? `${bytes} B` : bytes < 2 ** 20 ? `${Math.round(bytes / 1024)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  const hue = name => [...name].reduce((sum, character) => (sum + character.codePointAt(0)) * 137 % 360, 0);

  function departure({ by, code, reason }) {
    if (!by) return 'connection lost';
    const who = by === 'server' ? 'closed by the server' : '';
    return [[code ?? 'no code', reason].filter(Boolean).join(' '), who].filter(Boolean).join(', ');
  }

  let myName;
  const chat = new View($('chat'), $('present'));

  // Over WebSocket: talk.

  function showChatState(state, text) {
    $('chat-state').dataset.state = state;
    $('chat-state').textContent = text;
    const out = state === 'closed';
    $('join').hidden = !out;
    $('say').hidden = $('leave').hidden = out;
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
      const told = JSON.parse(data);
      if (told.type === 'welcome') {
        ({ name: myName, history } = told);
        attempts = 0;
        chat.clear();
        showChatState('open', `open, as ${myName}`);
      } else if (told.type === 'refused') {
        chat.notice(`Not sent. ${told.why}`);
      } else {
        chat.show(told, history <= 0);
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
    if (wasClean && !COME_BACK.includes(code)) {
      delete sessionStorage.name;
      showChatState('closed', closed);
      return;
    }
    // Twice as long each time, and never all pages at once.
    const pause = Math.min(500 * 2 ** attempts++, 15000) * (0.75 + Math.random() / 2);
    showChatState('connecting', `${closed}; reconnecting …`);
    timer = setTimeout(connect, pause);
  }

  const send = told => socket.send(JSON.stringify(told));
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
      if (file.size > 4 * 2 ** 20) chat.notice(`Not sent. ${size(file.size)} are more than 4 MiB.`);
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

  // Over Server-Sent Events: listen.

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
