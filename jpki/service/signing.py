"""Threads that have requests answered while the event loop goes on: signing lets go of the interpreter lock."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from .answering import Answer

__all__ = ["Overloaded", "SigningThreads"]

_AT_ONCE = 16  # one look into the store serves so many, and the last of them waits some 4 ms for the first
_MOST_WAITING = 4096

_Waiting = tuple[bytes, "asyncio.Future[Answer]"]
_Done = tuple["asyncio.Future[Answer]", "Answer | Exception"]


class Overloaded(Exception):
    """Says that too many requests wait already; nobody outside this room sees it."""


class SigningThreads:
    """Answers requests in threads, those that wait together in one go."""

    def __init__(self, answers: Callable[[Sequence[bytes]], Sequence[Answer]], threads: int) -> None:
        self._answers = answers
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._count = threads
        self._waiting = 0
        self._threads: list[threading.Thread] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Starts the threads; to be called in the event loop that asks."""
        self._loop = asyncio.get_running_loop()
        self._threads = [
            threading.Thread(target=self._work, name=f"signing {number}", daemon=True) for number in range(self._count)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Has the threads finish what waits, and end."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    async def answer(self, request: bytes) -> Answer:
        """Returns the answer to a request. Raises Overloaded, and what answering raises."""
        if self._loop is None or self._waiting >= _MOST_WAITING:
            raise Overloaded
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting += 1
        self._queue.put((request, future))
        return await future

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            some = [first]
            # A fair share: what one thread takes, the others do not get.
            more = min(_AT_ONCE - 1, self._queue.qsize() // self._count)
            ended = False
            for _ in range(more):
                try:
                    following = self._queue.get_nowait()
                except Empty:
                    break
                if following is None:
                    ended = True
                    break
                some.append(following)
            self._deliver(some)
            if ended:
                return

    def _deliver(self, some: list[_Waiting]) -> None:
        done = list(zip((future for _, future in some), self._outcomes([request for request, _ in some]), strict=True))
        assert self._loop is not None  # noqa: S101 - start() has set it
        try:
            self._loop.call_soon_threadsafe(self._settle, done)
        except RuntimeError:  # the loop was closed: nobody waits any more
            return

    def _outcomes(self, requests: list[bytes]) -> Sequence[Answer | Exception]:
        """Answers some requests; where that fails each by itself, so that none fails for another's sake."""
        try:
            found = self._answers(requests)
            if len(found) != len(requests):
                raise ValueError("not one answer for each request")
            return found
        except Exception as error:
            if len(requests) == 1:
                return [error]
            return [outcome for request in requests for outcome in self._outcomes([request])]

    def _settle(self, done: list[_Done]) -> None:
        self._waiting -= len(done)
        for future, outcome in done:
            if future.cancelled():
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
