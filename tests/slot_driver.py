"""A driver of one slot of the virtual reader, in this process: it takes a card, and says what it is told to."""

from __future__ import annotations

import socket
import threading

OFF, ON, RESET, ATR = (bytes((code,)) for code in (0, 1, 2, 4))


class Driver:
    """A driver of one slot: it listens, takes one card at a time, and says what it is told to."""

    def __init__(self, port: int = 0) -> None:
        self.listener = socket.create_server(("127.0.0.1", port), backlog=1)
        self.port: int = self.listener.getsockname()[1]
        self.card: socket.socket | None = None
        self.stopped = threading.Event()

    def take(self) -> bytes:
        """Takes the next card and returns its ATR."""
        self.card, _ = self.listener.accept()
        self.card.settimeout(10)
        return self.ask(ATR)

    def take_aside(self) -> threading.Thread:
        """Takes the next card in a thread, so that it can be put in here."""
        thread = threading.Thread(target=self.take)
        thread.start()
        return thread

    def tell(self, *payloads: bytes) -> None:
        assert self.card is not None
        self.card.sendall(b"".join(len(payload).to_bytes(2, "big") + payload for payload in payloads))

    def ask(self, payload: bytes) -> bytes:
        self.tell(payload)
        return self.answer()

    def answer(self) -> bytes:
        return self._exactly(int.from_bytes(self._exactly(2), "big"))

    def _exactly(self, count: int) -> bytes:
        assert self.card is not None
        got = b""
        while len(got) < count:
            more = self.card.recv(count - len(got))
            if not more:
                raise EOFError
            got += more
        return got

    def drop(self) -> None:
        assert self.card is not None
        self.card.close()

    def close(self) -> None:
        self.listener.close()
        if self.card is not None:
            self.card.close()
