"""The stores of the benchmarks: what is in them is what an authority would have put there."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from authorities import NOW, PoolKeys, new_authority

from benchmarks.large_store import MUNICIPALITIES, make
from jpki.ca import Authority, ListOrder, make_lists
from jpki.formats import CertificateList, RevocationReason
from jpki.store import CertificateState, Store
from jpki.terms import CertificateName, Role

DAY = timedelta(days=1)
SIGN = Role.SIGNATURE


def test_a_large_store_holds_together_and_has_lists_as_any_other(tmp_path: Path) -> None:
    keys = PoolKeys()
    numbers = make(new_authority(tmp_path, keys), certificates=9000, revocations=3000)
    with Authority(Store.open(tmp_path / "authority.sqlite3"), keys) as authority:
        authority.store.check()
        names = [CertificateName(SIGN, number) for number in numbers]
        with authority.store.snapshot() as view:
            held = view.named(names[:3])
        assert [held[name].state_at(NOW + 2 * DAY) for name in names[:3]] == [
            CertificateState.REVOKED,
            CertificateState.VALID,
            CertificateState.VALID,
        ]
        (full, *municipal) = make_lists(authority, ListOrder(municipal=True, roles=(SIGN,)), NOW + 2 * DAY)
        with authority.store.snapshot() as view:
            read = CertificateList.parse(b"".join(view.list_content(full)))
        assert [entry.serial for entry in read] == list(numbers[::3])
        assert {entry.reason for entry in read} == {RevocationReason.SUPERSEDED}
        assert len(municipal) == MUNICIPALITIES
        assert sum(one.entries for one in municipal) == 3000
        authority.revoke(names[1], RevocationReason.KEY_COMPROMISE, NOW + 3 * DAY)
