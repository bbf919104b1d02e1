"""Running the service: sockets, worker processes, and their end in good order."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from .application import Application
from .connection import Limits, limited_connections
from .errors import AddressRefused, AddressTaken, WorkerLost
from .journal import Journal
from .tally import Tally, WorkerTally

if TYPE_CHECKING:
    import uvicorn

__all__ = ["listening_sockets", "run_worker", "run_workers"]

_BACKLOG = 1024
_SOON = 5.0  # seconds: a worker that ends sooner than that after its start is counted
_MOST_TIMES = 3
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def listening_sockets(host: str, port: int, workers: int) -> list[socket.socket]:
    """Returns a listening socket for each worker, all on one address; port 0 takes any free one.

    The system shares connections out among them (SO_REUSEPORT). Raises AddressTaken, AddressRefused.
    """
    made: list[socket.socket] = []
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        # Shared ports would let two services of one user start on the same address, and each answer some clients.
        if port:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        for _ in range(workers):
            # Named, so that asyncio knows it for TCP and sends at once what is written (TCP_NODELAY).
            one = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            made.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if workers > 1:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            one.bind((address[0], made[0].getsockname()[1] if len(made) > 1 else port, *address[2:]))
            one.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        for one in made:
            one.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise AddressTaken(host=host, port=port) from error
        problem = getattr(error, "strerror", None) or "cannot be used"
        raise AddressRefused(host=host, port=port, problem=problem) from error
    return made


def run_worker(
    application: Application, listening: socket.socket, tally: WorkerTally, limits: Limits | None = None
) -> None:
    """Answers until SIGTERM or SIGINT, then finishes what runs, as long as the limits allow, and returns.

    Raises StoreError where the store cannot be asked at the start.
    """
    import uvicorn

    limits = limits or Limits()
    application.freshness.start()
    config = uvicorn.Config(
        application,
        http=limited_connections(tally, limits),
        loop="asyncio",
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=limits.keep_alive_seconds,
        timeout_graceful_shutdown=limits.grace_seconds,
        limit_concurrency=limits.connections,
        backlog=_BACKLOG,
    )
    server = uvicorn.Server(config)
    with _ending(server):
        server.run(sockets=[listening])


@contextlib.contextmanager
def _ending(server: uvicorn.Server) -> Iterator[None]:
    """Has a signal that comes before uvicorn listens to signals end it too, and one that it raises again do no harm."""
    if threading.current_thread() is not threading.main_thread():
        yield  # where none comes
        return

    def end(number: int, frame: FrameType | None) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, end) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Ending(BaseException):
    """Says that the parent of the workers was asked to end."""


def run_workers(
    sockets: list[socket.socket], tally: Tally, journal: Journal, make: Callable[[int], Application]
) -> None:
    """Runs a worker process for each socket until SIGTERM or SIGINT; one that is lost is started again.

    `make` is called in the worker: what it opens, no other process shares. Raises WorkerLost where one ends at once,
    again and again.
    """
    crew = _Crew(sockets, tally, journal, make)
    before = {number: signal.signal(number, _end) for number in _SIGNALS}
    try:
        for worker in range(len(sockets)):
            crew.start(worker)
        while True:
            crew.replace_lost()
    except _Ending:
        pass
    finally:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        crew.end()
        for number, handler in before.items():
            signal.signal(number, handler)


class _Crew:
    """The worker processes that live."""

    def __init__(
        self, sockets: list[socket.socket], tally: Tally, journal: Journal, make: Callable[[int], Application]
    ) -> None:
        self._sockets = sockets
        self._tally = tally
        self._journal = journal
        self._make = make
        self._lives: dict[int, tuple[int, float]] = {}  # by process: which worker, and since when
        self._lost: dict[int, int] = {}
        self._alive, self._held = os.pipe()  # which ends where this process does, however that comes

    def start(self, worker: int) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        process = os.fork()
        if process == 0:
            os.close(self._held)
            _live_as_worker(lambda: self._work(worker), self._journal.for_worker(worker), self._alive)
        self._lives[process] = (worker, time.monotonic())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def replace_lost(self) -> None:
        """Waits until a worker ends, and starts it again; raises WorkerLost."""
        process, status = os.wait()
        worker, since = self._lives.pop(process)
        self._lost[worker] = self._lost.get(worker, 0) + 1 if time.monotonic() - since < _SOON else 1
        self._journal.note("worker-lost", lost=worker, status=os.waitstatus_to_exitcode(status))
        if self._lost[worker] >= _MOST_TIMES:
            raise WorkerLost(worker=worker, times=self._lost[worker])
        self.start(worker)

    def end(self) -> None:
        """Ends all, and waits until they have."""
        _end_all(list(self._lives))
        os.close(self._alive)
        os.close(self._held)

    def _work(self, worker: int) -> None:
        own = self._sockets[worker]
        for other in self._sockets:
            if other is not own:
                other.close()
        run_worker(self._make(worker), own, self._tally.of(worker))


def _end(number: int, frame: FrameType | None) -> None:
    raise _Ending


def _end_all(processes: list[int]) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)
    for process in processes:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process, 0)


def _live_as_worker(work: Callable[[], None], journal: Journal, alive: int) -> NoReturn:
    """Is the worker's whole life: this process never returns to what its parent was doing."""
    code = 1
    try:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        threading.Thread(target=_end_with_parent, args=(alive,), name="parent", daemon=True).start()
        work()
        code = 0
    except Exception as error:  # its parent tells by the exit code, and this line says why
        journal.fault("worker-failed", error)
    finally:
        os._exit(code)


def _end_with_parent(alive: int) -> None:
    os.read(alive, 1)  # nobody ever writes: it returns when the parent is gone
    os.kill(os.getpid(), signal.SIGTERM)
