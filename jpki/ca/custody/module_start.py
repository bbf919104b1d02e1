"""How a PKCS#11 module is started so that several threads may use it.

python-pkcs11 starts modules with `C_Initialize(NULL)`, by which the program promises that it has one thread only; a
module may then leave out its locks, and SoftHSM does, and crashes. So it is ended and started once more here, with
CKF_OS_LOCKING_OK.

Source: PKCS#11 2.40 base, 5.4 (C_Initialize, C_Finalize, C_GetFunctionList), 3.7 (CK_C_INITIALIZE_ARGS)
"""

from __future__ import annotations

import ctypes
import sys

from jpki.terms import Secret

__all__ = ["make_token", "restart"]

_OS_LOCKING_OK = 0x2
_CANT_LOCK = 0x0A
_LABEL_OCTETS = 32
_WINDOWS = sys.platform == "win32"  # where the standard leaves no room between the fields


class _Version(ctypes.Structure):
    _fields_ = (("major", ctypes.c_ubyte), ("minor", ctypes.c_ubyte))


_Start = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_void_p)


_InitToken = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)


class _Functions(ctypes.Structure):
    """The beginning of CK_FUNCTION_LIST."""

    _pack_ = 1 if _WINDOWS else ctypes.sizeof(ctypes.c_void_p)
    _fields_ = (
        ("version", _Version),
        ("initialize", _Start),
        ("finalize", _Start),
        ("between", ctypes.c_void_p * 7),
        ("init_token", _InitToken),
    )


class _Arguments(ctypes.Structure):
    """CK_C_INITIALIZE_ARGS: no functions of ours, and flags."""

    _pack_ = 1 if _WINDOWS else ctypes.sizeof(ctypes.c_void_p)
    _fields_ = (("functions", ctypes.c_void_p * 4), ("flags", ctypes.c_ulong), ("reserved", ctypes.c_void_p))


def restart(path: str) -> str | None:
    """Ends a module that this process has loaded, and starts it for several threads; returns what is wrong, or None.

    Every session and login of this process ends with it.
    """
    functions = _functions(path)
    functions.finalize(None)  # whatever comes of it: it may have ended by itself
    arguments = _Arguments(flags=_OS_LOCKING_OK)
    failed = functions.initialize(ctypes.addressof(arguments))
    if failed == _CANT_LOCK:
        return "not for several threads"
    return f"0x{failed:08X}" if failed else None


def make_token(path: str, slot: int, label: str, security_officer_pin: Secret) -> str | None:
    """Makes the token in a slot anew, empty, with a label of at most 32 octets; returns what is wrong, or None.

    python-pkcs11 has no such call.
    """
    pin = security_officer_pin.reveal()
    failed = _functions(path).init_token(slot, pin, len(pin), label.encode().ljust(_LABEL_OCTETS))
    return f"0x{failed:08X}" if failed else None


def _functions(path: str) -> _Functions:
    """Returns the functions of a module that this process has loaded."""
    functions = ctypes.POINTER(_Functions)()
    ctypes.CDLL(path).C_GetFunctionList(ctypes.byref(functions))
    return functions.contents
