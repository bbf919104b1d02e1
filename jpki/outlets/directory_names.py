"""Distinguished names as an LDAP directory writes them, and the entries that stand under them.

Sources: RFC 4514 (names), RFC 4519 (classes of parents), RFC 4523 (classes and attributes of lists).
"""

from __future__ import annotations

from jpki.formats import Name, NameAttribute, tlv

__all__ = ["DELTA_LIST", "LIST", "LIST_CLASSES", "RelativeNames", "directory_name", "entry_attributes"]

RelativeNames = tuple[tuple[NameAttribute, ...], ...]

LIST = "certificateRevocationList"
DELTA_LIST = "deltaRevocationList"
# The classes that let an entry have the attribute; the last is added to one that has none of them.
LIST_CLASSES = {
    LIST: ("cRLDistributionPoint", "certificationAuthority", "pkiCA"),
    DELTA_LIST: ("certificationAuthority-V2", "deltaCRL"),
}

# What directories call the types (RFC 4514, section 3; RFC 4519), and the class of an entry that is named by one.
_WORDS = {
    "2.5.4.3": "CN",
    "2.5.4.4": "sn",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "title",
    "2.5.4.42": "givenName",
    "2.5.4.46": "dnQualifier",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
}
_CLASSES = {
    "CN": "cRLDistributionPoint",
    "C": "country",
    "L": "locality",
    "ST": "locality",
    "O": "organization",
    "OU": "organizationalUnit",
}
_UTF8_STRING = 0x0C
_TEXT_TAGS = frozenset((_UTF8_STRING, 0x12, 0x13, 0x14, 0x16, 0x1A, 0x1C, 0x1E))
_SPECIAL = frozenset('"+,;<>\\')


def directory_name(name: Name | RelativeNames) -> str:
    """Returns a name as LDAP writes it, the last part first: `CN=Chiyoda-ku CRLDP,OU=Tokyo-to,…`. Source: RFC 4514."""
    parts = name.rdns if isinstance(name, Name) else name
    return ",".join("+".join(map(_pair, part)) for part in reversed(parts))


def entry_attributes(name: RelativeNames) -> dict[str, list[str]]:
    """Returns what a new entry of this name is made with: its class, and the attributes that it is named by."""
    found: dict[str, list[str]] = {}
    for oid, _, text in name[-1]:
        found.setdefault(_WORDS.get(oid, oid), []).append(text)
    # A type without a class here is left to the server, which says what it lacks.
    classes = [_CLASSES[word] for word in found if word in _CLASSES]
    return {"objectClass": classes[:1]} | found


def _pair(attribute: NameAttribute) -> str:
    oid, tag, text = attribute
    if tag not in _TEXT_TAGS:
        return f"{_WORDS.get(oid, oid)}={text}"  # `#` and hexadecimal octets already
    if oid not in _WORDS:  # only so is a value written beside a dotted type (RFC 4514, 2.4)
        return f"{oid}=#{tlv(_UTF8_STRING, text.encode()).hex()}"
    return f"{_WORDS[oid]}={_escaped(text)}"


def _escaped(text: str) -> str:
    escaped = "".join("\\" + letter if letter in _SPECIAL else letter for letter in text).replace("\0", "\\00")
    if escaped[:1] in ("#", " "):
        escaped = "\\" + escaped
    if text[-1:] == " " and len(text) > 1:
        escaped = escaped[:-1] + "\\ "
    return escaped
