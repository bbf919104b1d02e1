"""Which kind of card this is, and which reader it is in: told by the application and its label, never by an ATR."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from card_profiles import CardProfile, load_profile, profile_names
from jpki.formats import token_label

from .channel import Card, Encoded
from .errors import AmbiguousReader, CardBusy, CardMute, CardRefused, CardRemoved, NoCard, NotAJpkiCard, UnknownToken
from .files import declared_file, read_fixed
from .pcsc import Limits, PcscConnection, open_reader
from .resolving import Resolving
from .selecting import select_application
from .session import JpkiApplication

__all__ = ["find_application", "open_card_reader", "shipped_profiles"]

_PROBE = Limits(busy=1.0, answer=10.0)


def shipped_profiles() -> tuple[CardProfile, ...]:
    """Returns the card profiles that ship with the toolkit."""
    return tuple(load_profile(name) for name in profile_names())


@contextmanager
def find_application(card: Card, profiles: Iterable[CardProfile] | None = None) -> Iterator[JpkiApplication]:
    """Does what JpkiApplication.select does for a card of which only now is found out what it is: one exchange more.

    Raises NotAJpkiCard, and UnknownToken where its token label fits none of the profiles (those that ship, if None).
    """
    known = shipped_profiles() if profiles is None else tuple(profiles)
    with card.exclusive():
        session = JpkiApplication(card, _profile(card, known))
        try:
            yield session
        finally:
            session.end()


def _profile(card: Card, known: tuple[CardProfile, ...]) -> CardProfile:
    label = ""
    found = False
    for aid in dict.fromkeys(profile.jpki.aid for profile in known):
        try:
            select_application(card, aid)
        except NotAJpkiCard:
            continue
        found = True
        candidates = tuple(profile for profile in known if profile.jpki.aid == aid)
        label = _label(card, candidates)
        for profile in candidates:
            if profile.jpki.token is not None and profile.jpki.token.label == label:
                return profile
    if not found:
        raise NotAJpkiCard
    raise UnknownToken(label=label, known=tuple(profile.name for profile in known))


def _label(card: Card, candidates: tuple[CardProfile, ...]) -> str:
    tokens = [(profile.jpki, profile.jpki.token) for profile in candidates]
    files = [declared_file(application, token.file) for application, token in tokens if token is not None]
    for file in dict.fromkeys(files):
        try:
            label = token_label(read_fixed(card, file))
        except CardRefused:
            continue
        if label:
            return label
    return ""


def open_card_reader(
    selection: str | None = None,
    limits: Limits | None = None,
    profiles: Iterable[CardProfile] | None = None,
) -> PcscConnection:
    """Opens a reader as open_reader does, except that None means the only JPKI card where several readers hold cards.

    Cards that turn out to be something else are left as they are. Raises besides AmbiguousReader where several are JPKI
    cards, and NotAJpkiCard where none is.
    """
    try:
        return open_reader(selection, limits)
    except AmbiguousReader as ambiguous:
        if selection is not None:
            raise
        choices = ambiguous.choices
    known = shipped_profiles() if profiles is None else tuple(profiles)
    fitting = tuple(name for name in choices if _holds_jpki(name, known))
    if len(fitting) > 1:
        raise AmbiguousReader(selection="", choices=fitting)
    if not fitting:
        raise NotAJpkiCard
    return open_reader(fitting[0], limits)


def _holds_jpki(reader: str, known: tuple[CardProfile, ...]) -> bool:
    try:
        with open_reader(reader, _PROBE) as connection:
            card = Resolving(Encoded(connection))
            with card.exclusive():
                return any(_has(card, aid) for aid in dict.fromkeys(profile.jpki.aid for profile in known))
    except (CardBusy, CardMute, CardRemoved, NoCard):
        return False


def _has(card: Card, aid: bytes) -> bool:
    try:
        select_application(card, aid)
    except (NotAJpkiCard, CardRefused):
        return False
    return True
