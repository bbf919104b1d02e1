"""An authority put back from a backup: everything comes back, and nothing is signed before it has caught up."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from authorities import BOTH, NOW, Applicants, issue_one, name_in
from backed_up_sites import Site, names_in
from openssl_program import OpenSslVerify

from jpki.ca import (
    SAFETY_GAP,
    Authority,
    FolderNotEmpty,
    Issued,
    NotCaughtUp,
    SealRefused,
)
from jpki.formats import CertificateList, RevocationReason, from_pem
from jpki.store import SealRow
from jpki.terms import CertificateName

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SIGN, AUTH = BOTH


def test_it_is_put_back_into_an_empty_folder_only(backup: Site) -> None:
    backup.new.mkdir()
    (backup.new / "something").touch()
    with pytest.raises(FolderNotEmpty):
        backup.put_back()
    assert names_in(backup.new) == ["something"]


def test_everything_comes_back(backup: Site, backed_up: Site) -> None:
    done = backup.put_back()
    assert done.manifest.standing.rows["certificate"] == 200
    for folder in ("keys", "certificates", "seals"):
        before, after = backed_up.place.path / folder, backup.new / folder
        assert {one.name: one.read_bytes() for one in after.iterdir()} == {
            one.name: one.read_bytes() for one in before.iterdir()
        }
    assert {one.stat().st_mode & 0o777 for one in (backup.new / "keys").iterdir()} == {0o600}
    assert (backup.new / "authority.sqlite3").stat().st_mode & 0o777 == 0o600
    assert backup.new.stat().st_mode & 0o777 == 0o700
    assert names_in(backup.new) == ["authority.sqlite3", "certificates", "keys", "seals"]
    with backup.opened("new") as restored, backed_up.opened() as lost:
        restored.store.check()
        name = CertificateName(SIGN, 0x0100_0005)
        assert restored.encoded(name) == lost.encoded(name)


def test_put_back_it_answers_and_revokes_and_signs_nothing(backup: Site, applicants: Applicants) -> None:
    backup.put_back()
    name = CertificateName(SIGN, 0x0100_0005)
    with backup.opened("new") as authority:
        assert authority.chain(name, NOW + DAY).certificate.name == name
        authority.revoke(name, RevocationReason.KEY_COMPROMISE, NOW + DAY)
        for signing in (
            lambda: authority.issue([applicants.asks()], NOW + DAY),
            lambda: authority.certificate_list(SIGN, NOW + DAY),
            lambda: authority.seal(NOW + DAY),
            lambda: authority.new_generation(SIGN, NOW + DAY),
            lambda: authority.make_key(SIGN, 2),
            lambda: authority.issuer(AUTH),
        ):
            with pytest.raises(NotCaughtUp) as caught:
                signing()
        owed = tuple(authority.certificates[role].name for role in BOTH)
        assert (caught.value.restored_at, caught.value.lists, caught.value.seal) == (NOW + DAY, owed, True)
        assert authority.unfinished(NOW + 2 * DAY) == ()
        assert not list(backup.new.glob("keys/*-2.key"))


class Later:
    """What an authority did after its backup, and what of it was published."""

    def __init__(self, site: Site, applicants: Applicants) -> None:
        with site.opened() as before:
            before.revoke(CertificateName(AUTH, 0x0100_0008), RevocationReason.CERTIFICATE_HOLD, NOW + HOUR)
            site.back_up()
            self.late: list[Issued] = [issue_one(before, applicants.asks(), NOW + 2 * HOUR) for _ in range(3)]
            self.revoked = [CertificateName(SIGN, 0x0100_0005), name_in(self.late[0], SIGN)]
            for name in self.revoked:
                before.revoke(name, RevocationReason.KEY_COMPROMISE, NOW + 3 * HOUR)
            self.lists = {role: before.certificate_list(role, NOW + 4 * HOUR) for role in BOTH}
            self.last = {role: name_in(self.late[-1], role).number for role in BOTH}
            self.seal = before.seal(NOW + 5 * HOUR).row
            self.gone = [before.encoded(name) for name in self.revoked]
            self.good = before.encoded(CertificateName(SIGN, 0x0100_0006))
        [self.public_key] = from_pem((site.place.path / "certificates" / "audit.pub").read_text(), "PUBLIC KEY")

    def show_all(self, authority: Authority) -> None:
        for role in BOTH:
            authority.catch_up(role, self.lists[role].encoded, NOW + 2 * DAY, last_number=self.last[role])
        authority.show_seal(self.public_key, self.seal, NOW + 2 * DAY)


@pytest.fixture
def later(site: Site, applicants: Applicants) -> Later:
    made = Later(site, applicants)
    site.put_back()
    return made


def test_shown_what_was_published_it_goes_on_and_nothing_revoked_comes_back(
    site: Site, later: Later, applicants: Applicants
) -> None:
    with site.opened("new") as authority:
        later.show_all(authority)
        assert authority.owed() is None
        made = authority.certificate_list(SIGN, NOW + 2 * DAY)
        assert made.number == later.lists[SIGN].number + 1 + SAFETY_GAP
        assert {one.serial for one in CertificateList.parse(made.encoded)} >= {one.number for one in later.revoked}
        new = issue_one(authority, applicants.asks(), NOW + 2 * DAY)
        assert {name_in(new, role).number for role in BOTH} == {later.last[SIGN] + 1 + SAFETY_GAP}
        with authority.store.snapshot() as view:
            seals = [row.number for row in view.audit_seals()]
        assert seals[seals.index(later.seal.number) + 1] == later.seal.number + 1
        verify = OpenSslVerify(site.path, authority.certificates[SIGN].encoded)
        verify.publish(made.encoded)
        at = NOW + 2 * DAY + HOUR
        assert verify.says(later.good, at).endswith("OK")
        assert all("certificate revoked" in verify.says(one, at) for one in later.gone)
        authority.store.check()


def test_each_part_is_owed_until_it_is_shown(site: Site, later: Later) -> None:
    with site.opened("new") as authority:
        names = [authority.certificates[role].name for role in BOTH]
        authority.catch_up(AUTH, later.lists[AUTH].encoded, NOW + 2 * DAY)
        owed = authority.owed()
        assert owed is not None
        assert (owed.lists, owed.seal) == ((names[0],), True)
        authority.catch_up(SIGN, later.lists[SIGN].encoded, NOW + 2 * DAY)
        with pytest.raises(NotCaughtUp) as caught:
            authority.certificate_list(SIGN, NOW + 2 * DAY)
        assert (caught.value.lists, caught.value.seal) == ((), True)
    with site.opened("new") as another:
        another.show_seal(later.public_key, later.seal, NOW + 2 * DAY)
        another.certificate_list(SIGN, NOW + 2 * DAY)


def test_somebodys_word_that_nothing_was_published_is_kept_in_the_trail(backup: Site, applicants: Applicants) -> None:
    backup.put_back()
    with backup.opened("new") as authority:
        names = [authority.certificates[role].name for role in BOTH]
        authority.state_nothing_published(NOW + DAY, lists=names, seal=True)
        new = issue_one(authority, applicants.asks(), NOW + DAY)
        # Also then nobody knows what was given after the backup.
        assert name_in(new, SIGN).number == 0x0100_0002 + 100 + SAFETY_GAP
        assert authority.certificate_list(SIGN, NOW + DAY).number == 2 + SAFETY_GAP
        with authority.store.snapshot() as view:
            told = [json.loads(entry.body) for entry in view.audit_entries()]
    kinds = [one["kind"] for one in told]
    assert [kind for kind in kinds if kind in {"restore", "nothing published", "restored"}] == [
        "restore",
        "nothing published",
        "restored",
    ]
    stated = told[kinds.index("nothing published")]["facts"]
    assert stated == {"lists": [str(name) for name in names], "seal": True}
    restore = told[kinds.index("restore")]
    assert restore["chain"] > SAFETY_GAP
    assert restore["facts"]["owed"] == [*map(str, names), "seal"]


def test_an_older_list_than_the_copy_knows_does_not_settle_it(site: Site, applicants: Applicants) -> None:
    with site.opened() as before:
        old = before.certificate_list(SIGN, NOW)
        newest = before.certificate_list(SIGN, NOW + HOUR)
        site.back_up()
    site.put_back()
    with site.opened("new") as authority:
        authority.catch_up(SIGN, old.encoded, NOW + DAY)
        owed = authority.owed()
        assert owed is not None
        assert authority.certificates[SIGN].name in owed.lists
        authority.catch_up(SIGN, newest.encoded, NOW + DAY)
        owed = authority.owed()
        assert owed is not None
        assert authority.certificates[SIGN].name not in owed.lists


def test_a_hold_goes_on_and_is_told_where_a_later_list_has_it_no_more(site: Site, later: Later) -> None:
    with site.opened("new") as authority:
        held = CertificateName(AUTH, 0x0100_0008)
        done = authority.catch_up(AUTH, later.lists[AUTH].encoded, NOW + 2 * DAY)
        assert (done.revoked, done.not_listed) == ((), ())
        assert authority.chain(held, NOW + 2 * DAY).certificate.state.value == "held"


def test_only_the_newest_seal_of_this_authority_settles_it(site: Site, later: Later) -> None:
    with site.opened("new") as authority, authority.store.snapshot() as view:
        first = view.audit_seal(1)
        assert first is not None
        for wrong in (
            SealRow(later.seal.number, later.seal.body, later.seal.signature[:-1] + b"\0"),
            SealRow(later.seal.number, later.seal.body.replace(b'"number":', b'"number": '), later.seal.signature),
            SealRow(later.seal.number + 1, later.seal.body, later.seal.signature),
            SealRow(later.seal.number, b"[]", later.seal.signature),
        ):
            with pytest.raises(SealRefused):
                authority.show_seal(later.public_key, wrong, NOW + 2 * DAY)
        other = from_pem((site.place.path / "certificates" / "audit.pub").read_text(), "PUBLIC KEY")[0][:-1] + b"\3"
        with pytest.raises(SealRefused):
            authority.show_seal(other, later.seal, NOW + 2 * DAY)
        authority.show_seal(later.public_key, later.seal, NOW + 2 * DAY)
        with pytest.raises(SealRefused):
            authority.show_seal(later.public_key, first, NOW + 2 * DAY)


def test_a_backup_of_what_has_not_caught_up_owes_the_same(site: Site, later: Later) -> None:
    again = Site(site.path / "again")
    again.path.mkdir()
    site.new.rename(again.path / "ca")
    again.back_up()
    again.put_back()
    with again.opened("new") as authority, pytest.raises(NotCaughtUp):
        authority.certificate_list(SIGN, NOW + 2 * DAY)
