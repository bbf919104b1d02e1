"""Reads a card profile: one of those in this folder by name, or a file of one's own."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TypeVar

from jpki.formats import FormatError, NoSuchProfile, ProfileError, ProfileTable, SecurityLevel, StatusWord
from jpki.terms import Role

from .model import (
    LONGEST_PIN,
    Access,
    Application,
    CardProfile,
    Dialect,
    InternalFile,
    IssuerDomain,
    Key,
    PinPolicy,
    RoleFiles,
    SigningScheme,
    TokenValues,
    TransparentFile,
    Write,
)

__all__ = ["load_profile", "load_profile_file", "profile_names"]

K = TypeVar("K")
T = TypeVar("T")

_FORMAT = 1
_SUFFIX = ".toml"
_ALGORITHMS = ("RSA-2048",)
_LARGEST_FILE = 0x7FFF


def profile_names() -> tuple[str, ...]:
    """Returns the names of the profiles that ship with the toolkit, in alphabetical order."""
    entries = (entry.name for entry in resources.files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in entries if name.endswith(_SUFFIX)))


@cache
def load_profile(name: str) -> CardProfile:
    """Returns the profile of this name that ships with the toolkit; raises NoSuchProfile."""
    if name not in profile_names():
        raise NoSuchProfile(name=name, known=profile_names())
    text = (resources.files(__package__) / f"{name}{_SUFFIX}").read_text("utf-8")
    return _parse(name, text)


def load_profile_file(path: Path) -> CardProfile:
    """Reads a profile from a file of the caller's; raises ProfileError where it does not follow the schema."""
    try:
        return _parse(path.name, path.read_text("utf-8"))
    except OSError as error:
        raise ProfileError(profile=path.name, where="", problem=f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ProfileError(profile=path.name, where="", problem="not UTF-8") from error


def _parse(source: str, text: str) -> CardProfile:
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # tomllib does not catch a huge number, nor lists that nest too deep
        raise ProfileError(profile=source, where="", problem=f"not TOML: {error}") from error
    root = ProfileTable(source, "", values)
    if root.number("format", 0, 1 << 31) != _FORMAT:
        raise root.wrong("format", f"not {_FORMAT}, the only one known here")
    title = root.table("title")
    titles = {language: title.text(language) for language in ("ja", "en")}
    title.end()
    card = root.table("card")
    applications = root.table("application")
    profile = CardProfile(
        name=root.text("name"),
        titles=titles,
        atr=card.octets("atr", 2, 33),
        status=_dialect(card.table("status")),
        issuer=_issuer(root.table("issuer")),
        applications=tuple(_application(name, applications.table(name)) for name in applications.names),
    )
    card.end()
    root.end()
    if not any(application.name == "jpki" for application in profile.applications):
        raise root.wrong("application.jpki", "missing")
    return profile


def _dialect(table: ProfileTable) -> Dialect:
    words = {key: StatusWord(table.word("class" if key == "cla" else key)) for key in Dialect.__slots__}
    table.end()
    return Dialect(**words)


def _issuer(table: ProfileTable) -> IssuerDomain:
    issuer = IssuerDomain(
        aid=table.octets("aid", 5, 16),
        scp=table.number("scp", 3, 3),
        scp_options=table.number("scp_options", 0x60, 0x60),
        security_level=table.number("security_level", 0, 0xFF),
        blank_version=table.number("blank_version", 1, 0xFF),
        own_version=table.number("own_version", 1, 0xFF),
        tries=table.number("tries", 1, 15),
    )
    try:
        SecurityLevel.of(issuer.security_level)
    except FormatError as error:
        raise table.wrong("security_level", error.problem) from None
    if issuer.own_version == issuer.blank_version:
        raise table.wrong("own_version", "that of a blank card, whose keys everybody knows")
    table.end()
    return issuer


def _application(name: str, table: ProfileTable) -> Application:
    aid = table.octets("aid", 5, 16)
    token = _token(table.table("token")) if "token" in table else None
    pins = _named(table, "pin", _pin)
    keys = _named(table, "key", _key)
    files = tuple(_file(item, pins) for item in table.tables("file"))
    internal = tuple(_internal(item) for item in table.tables("internal"))
    application = Application(
        name=name,
        aid=aid,
        token=token,
        presence=table.word("presence") if "presence" in table else None,
        pins=pins,
        keys=keys,
        roles=_roles(table.table("role"), keys, pins, {file.id: file for file in files}) if "role" in table else {},
        schemes=_schemes(table.table("schemes")) if "schemes" in table else {},
        files=files,
        internal=internal,
    )
    table.end()
    _refuse_contradictions(table, application)
    return application


def _named(table: ProfileTable, key: str, read: Callable[[str, ProfileTable], T]) -> dict[str, T]:
    if key not in table:
        return {}
    inner = table.table(key)
    return {name: read(name, inner.table(name)) for name in inner.names}


def _token(table: ProfileTable) -> TokenValues:
    token = TokenValues(
        file=table.word("file"),
        label=table.text("label"),
        manufacturer=table.text("manufacturer"),
        model=table.text("model"),
        flags=table.number("flags", 0, 0xFFFFFFFF),
        max_pin=table.number("max_pin", 1, LONGEST_PIN),
        min_pin=table.number("min_pin", 1, LONGEST_PIN),
    )
    table.end()
    return token


def _pin(name: str, table: ProfileTable) -> PinPolicy:
    policy = PinPolicy(
        name=name,
        file=table.word("file"),
        format=table.text("format"),
        tries=table.number("tries", 1, 15),
        blocked=StatusWord(table.word("blocked")),
    )
    try:
        re.compile(policy.format.encode())
    except (re.error, OverflowError, RecursionError) as error:
        raise table.wrong("format", "not a regular expression") from error
    shortest, longest = policy.lengths
    if not 1 <= shortest <= longest <= LONGEST_PIN:
        raise table.wrong("format", f"not for 1 to {LONGEST_PIN} bytes, counted in braces")
    table.end()
    return policy


def _key(name: str, table: ProfileTable) -> Key:
    key = Key(
        name=name,
        file=table.word("file"),
        algorithm=table.text("algorithm"),
        pins=table.texts("pins"),
        next_file=table.word("next"),
    )
    if key.algorithm not in _ALGORITHMS:
        raise table.wrong("algorithm", f"not one of {', '.join(_ALGORITHMS)}")
    table.end()
    return key


def _file(table: ProfileTable, pins: dict[str, PinPolicy]) -> TransparentFile:
    write = table.text("write")
    if write not in {word.value for word in Write}:
        raise table.wrong("write", 'neither "issuer" nor "personalisation"')
    file = TransparentFile(
        id=table.word("id"), size=table.number("size", 1, _LARGEST_FILE), read=_access(table, pins), write=Write(write)
    )
    table.end()
    return file


def _access(table: ProfileTable, pins: dict[str, PinPolicy]) -> Access:
    value = table.take("read")
    if value in ("free", "never"):
        return Access(free=value == "free")
    if not isinstance(value, list) or not value or any(not isinstance(name, str) or name not in pins for name in value):
        raise table.wrong("read", '"free", "never", or a list of PINs of this application')
    return Access(free=False, pins=tuple(value))


def _internal(table: ProfileTable) -> InternalFile:
    file = InternalFile(id=table.word("id"))
    table.end()
    return file


def _roles(
    table: ProfileTable, keys: dict[str, Key], pins: dict[str, PinPolicy], files: dict[int, TransparentFile]
) -> dict[Role, RoleFiles]:
    roles = {}
    for name in table.names:
        if name not in {role.value for role in Role}:
            raise table.wrong(name, "not a role")
        roles[Role(name)] = _role(Role(name), table.table(name), keys, pins, files)
    return roles


def _role(
    role: Role, table: ProfileTable, keys: dict[str, Key], pins: dict[str, PinPolicy], files: dict[int, TransparentFile]
) -> RoleFiles:
    def declared(key: str, known: Mapping[K, T], name: K) -> T:
        if name not in known:
            raise table.wrong(key, "not declared in this application")
        return known[name]

    found = RoleFiles(
        role=role,
        key=declared("key", keys, table.text("key")),
        pin=declared("pin", pins, table.text("pin")),
        certificate=declared("certificate", files, table.word("certificate")),
        next_certificate=declared("next_certificate", files, table.word("next_certificate")),
        authority_certificate=declared("authority_certificate", files, table.word("authority_certificate")),
    )
    table.end()
    return found


def _schemes(table: ProfileTable) -> dict[int, SigningScheme]:
    schemes = {}
    for parameter in table.names:
        if not re.fullmatch(r"[0-9A-F]{2}", parameter):
            raise table.wrong(parameter, "not one octet in upper-case hexadecimal")
        word = table.text(parameter)
        if word not in {scheme.value for scheme in SigningScheme}:
            raise table.wrong(parameter, "not a signing scheme")
        schemes[int(parameter, 16)] = SigningScheme(word)
    return schemes


def _refuse_contradictions(table: ProfileTable, application: Application) -> None:
    ids = [pin.file for pin in application.pins.values()]
    ids += [number for key in application.keys.values() for number in (key.file, key.next_file)]
    ids += [file.id for file in application.files] + [file.id for file in application.internal]
    for number in ids:
        if ids.count(number) > 1:
            raise table.wrong("", f"file {number:04X} is declared twice")
    for key in application.keys.values():
        if any(name not in application.pins for name in key.pins):
            raise table.wrong(f"key.{key.name}.pins", "not declared in this application")
    for role in application.roles.values():
        if role.pin.name not in role.key.pins:
            raise table.wrong(f"role.{role.role.value}.pin", "does not open its key")
    _refuse_shared_files(table, application.roles.values())
    presence = application.presence
    if presence is not None and not isinstance(application.by_id.get(presence), TransparentFile):
        raise table.wrong("presence", "not declared in this application")
    token = application.token
    if token is not None and not isinstance(application.by_id.get(token.file), TransparentFile):
        raise table.wrong("token.file", "not declared in this application")


def _refuse_shared_files(table: ProfileTable, roles: Collection[RoleFiles]) -> None:
    """Refuses a certificate's file that is another certificate's too: a renewal would wipe one of them."""
    named = [file.id for role in roles for file in (role.certificate, role.next_certificate)]
    authorities = {role.authority_certificate.id for role in roles}
    for role in roles:
        for key, file in (("certificate", role.certificate.id), ("next_certificate", role.next_certificate.id)):
            if file in authorities or named.count(file) > 1:
                raise table.wrong(f"role.{role.role.value}.{key}", "serves another purpose")
