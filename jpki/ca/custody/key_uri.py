"""Where a key is kept, as one line of text: `file:` for a sealed file, `pkcs11:` for a key on a token.

A text without a scheme is the path of a sealed file. Read strictly: an attribute that is not known, misspelled or
written twice is an error, because what is ignored in a key's place chooses another key.

Source: RFC 7512; RFC 8089
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from .errors import BadKeyUri, PinInKeyUri

__all__ = ["FilePlace", "KeyPlace", "TokenPlace", "read_key_place"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.DOTALL)  # one letter is a drive on Windows
_PATH = re.compile(r"(?:[A-Za-z0-9._~:\[\]@!$'()*+,=&-]|%[0-9A-Fa-f]{2})*")
_QUERY = re.compile(r"(?:[A-Za-z0-9._~:\[\]@!$'()*+,=/?|-]|%[0-9A-Fa-f]{2})*")
_FILE = re.compile(r"(?:[A-Za-z0-9._~:\[\]@!$'()*+,=&;/-]|[^\x00-\x7F]|%[0-9A-Fa-f]{2})*")
_SELECTING = ("token", "manufacturer", "serial", "model", "slot-id")
_PATH_ATTRIBUTES = (*_SELECTING, "object", "id", "type")
# Of RFC 7512, and not looked at here: left unread they would seem to narrow the choice.
_OTHER_ATTRIBUTES = frozenset(
    ("library-manufacturer", "library-version", "library-description", "slot-manufacturer", "slot-description")
)
_QUERY_ATTRIBUTES = ("pin-source", "module-path", "module-name")
_LONGEST_LABEL = 32  # what CK_TOKEN_INFO holds (PKCS#11 2.40, 3.3)
_HIGHEST_SLOT = (1 << 64) - 1
_KEPT_IN_PATH, _KEPT_IN_QUERY = ":[]@!$'()*+,=&", ":[]@!$'()*+,=/?|"


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A key in a sealed file; a path that is not absolute lies in the authority's folder of keys."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class TokenPlace:
    """A key on a token: which module, which token in it, which key on that, and the file that holds the PIN."""

    module_path: str = ""
    module_name: str = ""
    token: str = ""
    manufacturer: str = ""
    serial: str = ""
    model: str = ""
    slot_id: int | None = None
    label: str = ""
    key_id: bytes = b""
    pin_source: Path | None = field(default=None, compare=False)

    def __str__(self) -> str:
        """Returns the path of the URI, for people: which key on which token, and nothing of the PIN."""
        return self._path()

    @property
    def uri(self) -> str:
        """Returns the whole URI, which `read_key_place` reads as this place again."""
        query = {
            "module-path": self.module_path,
            "module-name": self.module_name,
            "pin-source": "" if self.pin_source is None else f"file:{quote(str(self.pin_source), safe='/')}",
        }
        told = [f"{name}={quote(text, safe=_KEPT_IN_QUERY)}" for name, text in query.items() if text]
        return f"{self._path()}?{'&'.join(told)}"

    def _path(self) -> str:
        texts: Mapping[str, str] = {
            "token": self.token,
            "manufacturer": self.manufacturer,
            "serial": self.serial,
            "model": self.model,
            "slot-id": "" if self.slot_id is None else str(self.slot_id),
            "object": self.label,
        }
        told = [f"{name}={quote(text, safe=_KEPT_IN_PATH)}" for name, text in texts.items() if text]
        if self.key_id:
            told.append("id=" + "".join(f"%{octet:02X}" for octet in self.key_id))
        return f"pkcs11:{';'.join(told)}"


KeyPlace = FilePlace | TokenPlace


def read_key_place(text: str) -> KeyPlace:
    """Returns the place that a URI or a path names; raises BadKeyUri, PinInKeyUri."""
    if not text or "\x00" in text:
        raise BadKeyUri(attribute="", problem="empty" if not text else "a zero character")
    found = _SCHEME.fullmatch(text)
    if found is None:
        return FilePlace(Path(text))
    scheme, rest = found[1].lower(), found[2]
    if scheme == "file":
        return FilePlace(_path_of(rest, "file"))
    if scheme == "pkcs11":
        return _token_place(rest)
    raise BadKeyUri(attribute="", problem="neither file: nor pkcs11:")


def _path_of(rest: str, attribute: str) -> Path:
    """Returns the path in a file URI, behind `file:`; hosts other than this one are refused."""
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        if host.lower() not in ("", "localhost"):
            raise BadKeyUri(attribute=attribute, problem="a file of another host")
        rest = slash + path
    if not rest:
        raise BadKeyUri(attribute=attribute, problem="empty")
    if not _FILE.fullmatch(rest):
        raise BadKeyUri(attribute=attribute, problem="a character that has to be written as %XX")
    return Path(_text(unquote_to_bytes(rest), attribute))


def _token_place(rest: str) -> TokenPlace:
    # First the PIN: whatever else is wrong, that has to be told.
    if re.search(r"(?:^|[&;?])pin-value(?:=|[&;]|$)", rest):
        raise PinInKeyUri(attribute="pin-value")
    path, question, query = rest.partition("?")
    if question and not query:
        raise BadKeyUri(attribute="", problem="nothing behind the question mark")
    of_path = _attributes(path, ";", _PATH_ATTRIBUTES, _PATH)
    of_query = _attributes(query, "&", _QUERY_ATTRIBUTES, _QUERY)
    if of_path.get("type", b"private") != b"private":
        raise BadKeyUri(attribute="type", problem="not private")
    texts = {name: _text(value, name) for name, value in of_path.items() if name not in ("id", "slot-id", "type")}
    place = TokenPlace(
        module_path=_module_path(of_query),
        module_name=_module_name(of_query),
        token=texts.get("token", ""),
        manufacturer=texts.get("manufacturer", ""),
        serial=texts.get("serial", ""),
        model=texts.get("model", ""),
        slot_id=_slot_id(of_path),
        label=texts.get("object", ""),
        key_id=of_path.get("id", b""),
        pin_source=_pin_source(of_query),
    )
    _refuse_a_vague(place)
    return place


def _refuse_a_vague(place: TokenPlace) -> None:
    if not place.label and not place.key_id:
        raise BadKeyUri(attribute="object", problem="neither object nor id")
    if not (place.token or place.serial or place.slot_id is not None):
        raise BadKeyUri(attribute="token", problem="neither token nor serial nor slot-id")
    if not place.module_path and not place.module_name:
        raise BadKeyUri(attribute="module-path", problem="neither module-path nor module-name")
    if place.module_path and place.module_name:
        raise BadKeyUri(attribute="module-name", problem="module-path is there too")
    if len(place.token.encode()) > _LONGEST_LABEL:
        raise BadKeyUri(attribute="token", problem="longer than any token's name")


def _attributes(text: str, between: str, known: tuple[str, ...], form: re.Pattern[str]) -> dict[str, bytes]:
    """Returns the attributes of one component of a pkcs11 URI, percent-decoded."""
    found: dict[str, bytes] = {}
    for part in text.split(between) if text else ():
        name, equals, value = part.partition("=")
        if name in _OTHER_ATTRIBUTES:
            raise BadKeyUri(attribute=name, problem="an attribute that is not looked at")
        if name not in known:
            # A name may be anything, also a PIN in the wrong place: so it is not repeated.
            raise BadKeyUri(attribute="", problem="an unknown attribute")
        if not equals or not value:
            raise BadKeyUri(attribute=name, problem="empty")
        if name in found:
            raise BadKeyUri(attribute=name, problem="written twice")
        if not form.fullmatch(value):
            raise BadKeyUri(attribute=name, problem="a character that has to be written as %XX")
        found[name] = unquote_to_bytes(value)
    return found


def _text(value: bytes, attribute: str) -> str:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        raise BadKeyUri(attribute=attribute, problem="not UTF-8") from None
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in text):
        raise BadKeyUri(attribute=attribute, problem="a control character")
    return text


def _slot_id(of_path: Mapping[str, bytes]) -> int | None:
    written = of_path.get("slot-id")
    if written is None:
        return None
    if not re.fullmatch(rb"[0-9]{1,20}", written) or int(written) > _HIGHEST_SLOT:
        raise BadKeyUri(attribute="slot-id", problem="not a whole number")
    return int(written)


def _module_path(of_query: Mapping[str, bytes]) -> str:
    text = _text(of_query.get("module-path", b""), "module-path")
    if text and not Path(text).is_absolute():
        raise BadKeyUri(attribute="module-path", problem="not an absolute path")
    return text


def _module_name(of_query: Mapping[str, bytes]) -> str:
    text = _text(of_query.get("module-name", b""), "module-name")
    if text and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", text):
        raise BadKeyUri(attribute="module-name", problem="not a name")
    return text


def _pin_source(of_query: Mapping[str, bytes]) -> Path | None:
    if "pin-source" not in of_query:
        return None
    text = _text(of_query["pin-source"], "pin-source")
    found = _SCHEME.fullmatch(text)
    if found is None or found[1].lower() != "file":
        raise BadKeyUri(attribute="pin-source", problem="not a file: URI")
    path = _path_of(found[2], "pin-source")
    if not path.is_absolute():
        raise BadKeyUri(attribute="pin-source", problem="not an absolute path")
    return path
