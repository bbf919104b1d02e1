"""What can go wrong with the service as a whole; what goes wrong with one request is answered.

AuthorityError
└── ServiceError
    ├── AddressTaken(host, port)                another program listens there already
    ├── AddressRefused(host, port, problem)     this machine or this user may not listen there
    └── WorkerLost(worker, times)               a worker process ended again and again
"""

from __future__ import annotations

from jpki.errors import AuthorityError

__all__ = ["AddressRefused", "AddressTaken", "ServiceError", "WorkerLost"]


class ServiceError(AuthorityError):
    """Says that the service cannot run."""


class AddressTaken(ServiceError):
    """Says that another program listens on this address and port."""

    def __init__(self, *, host: str, port: int) -> None:
        super().__init__()
        self.host = host
        self.port = port


class AddressRefused(ServiceError):
    """Says why the system does not let this user listen on this address and port."""

    def __init__(self, *, host: str, port: int, problem: str) -> None:
        super().__init__()
        self.host = host
        self.port = port
        self.problem = problem


class WorkerLost(ServiceError):
    """Says that a worker process ended so many times, soon after it was started."""

    def __init__(self, *, worker: int, times: int) -> None:
        super().__init__()
        self.worker = worker
        self.times = times
