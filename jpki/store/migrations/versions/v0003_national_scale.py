"""Distribution points, revisions, lists and their octets, events, responders, the audit trail; certificates in parts.

What is unique among certificates moves to tables of its own, because PostgreSQL keeps certificates in parts by number.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from jpki.formats import Certificate, RevocationReason, encode_revoked

revision = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_PARTS = 16
_AT_ONCE = 10_000
_ASIDE = {
    "job_certificate": "certificate, job",
    "encoded_certificate": "id, encoded",
    "revocation_list": "authority",
    "revocation": "id, issuer, reason, revoked_at, noted_at, not_after",
    "certificate": "id, holder, authority, ordinal, issuer, municipality, not_before, not_after, key_hash, submission,"
    " counterpart, confirmed_at",
}
_EPOCH = sa.text("0")


def upgrade() -> None:
    """Makes the new tables and moves what the old ones hold."""
    for table, columns in _ASIDE.items():  # those that refer to others first
        op.execute(sa.text(f"CREATE TEMPORARY TABLE old_{table} AS SELECT {columns} FROM {table}"))  # noqa: S608
        op.drop_table(table)
    op.add_column("authority", sa.Column("revision", sa.BigInteger(), nullable=False, server_default=_EPOCH))
    op.add_column("authority_key", sa.Column("place", sa.Text(), nullable=True))
    _points()
    _certificates()
    _places_and_keys()
    _encoded_certificates()
    _revocations()
    _releases()
    _lists()
    _contents()
    _records()
    _trail()
    _move()
    for table in _ASIDE:
        op.execute(sa.text(f"DROP TABLE old_{table}"))


def _points() -> None:
    op.create_table(
        "distribution_point",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("authority", sa.SmallInteger(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["authority"], ["authority.code"], name="fk_distribution_point_authority"),
        sa.PrimaryKeyConstraint("id", name="pk_distribution_point"),
        sa.UniqueConstraint("authority", "name", name="uq_distribution_point_authority"),
    )


def _certificates() -> None:
    op.create_table(
        "certificate",
        sa.Column("id", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("authority", sa.SmallInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("issuer", sa.BigInteger(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("point", _NUMBER, nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("submission", sa.LargeBinary(), nullable=False),
        sa.Column("counterpart", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["issuer"], ["authority_key.id"], name="fk_certificate_issuer"),
        sa.ForeignKeyConstraint(["point"], ["distribution_point.id"], name="fk_certificate_point"),
        sa.PrimaryKeyConstraint("id", name="pk_certificate"),
        postgresql_partition_by="HASH (id)",
    )
    _parts("certificate")


def _places_and_keys() -> None:
    op.create_table(
        "holder_certificate",
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("authority", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("certificate", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("holder", "authority", "ordinal", name="pk_holder_certificate"),
        postgresql_partition_by="HASH (holder)",
        sqlite_with_rowid=False,
    )
    _parts("holder_certificate")
    op.create_table(
        "certificate_key",
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("certificate", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name="pk_certificate_key"),
        postgresql_partition_by="HASH (key_hash)",
        sqlite_with_rowid=False,
    )
    _parts("certificate_key")


def _encoded_certificates() -> None:
    op.create_table(
        "encoded_certificate",
        sa.Column("id", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("encoded", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["certificate.id"], name="fk_encoded_certificate_id"),
        sa.PrimaryKeyConstraint("id", name="pk_encoded_certificate"),
        postgresql_partition_by="HASH (id)",
    )
    _parts("encoded_certificate")
    op.create_table(
        "job_certificate",
        sa.Column("certificate", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("job", _NUMBER, nullable=False),
        sa.ForeignKeyConstraint(["certificate"], ["certificate.id"], name="fk_job_certificate_certificate"),
        sa.ForeignKeyConstraint(["job"], ["job.id"], name="fk_job_certificate_job"),
        sa.PrimaryKeyConstraint("certificate", name="pk_job_certificate"),
    )
    op.create_index("ix_job_certificate_job", "job_certificate", ["job"])


def _revocations() -> None:
    op.create_table(
        "revocation",
        sa.Column("id", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("issuer", sa.BigInteger(), nullable=False),
        sa.Column("point", _NUMBER, nullable=True),
        sa.Column("reason", sa.SmallInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["issuer"], ["authority_key.id"], name="fk_revocation_issuer"),
        sa.PrimaryKeyConstraint("id", name="pk_revocation"),
        postgresql_partition_by="HASH (id)",
    )
    op.create_index("ix_revocation_point", "revocation", ["point", "id"])
    op.create_index("ix_revocation_issuer_revision", "revocation", ["issuer", "revision"])
    _parts("revocation")


def _releases() -> None:
    op.create_table(
        "release",
        sa.Column("id", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("issuer", sa.BigInteger(), nullable=False),
        sa.Column("point", _NUMBER, nullable=True),
        sa.Column("released_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["issuer"], ["authority_key.id"], name="fk_release_issuer"),
        sa.PrimaryKeyConstraint("id", name="pk_release"),
    )
    op.create_index("ix_release_issuer_revision", "release", ["issuer", "revision"])


def _lists() -> None:
    op.create_table(
        "revocation_list",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("issuer", sa.BigInteger(), nullable=False),
        sa.Column("scope", _NUMBER, nullable=False),
        sa.Column("base", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("this_update", sa.BigInteger(), nullable=False),
        sa.Column("next_update", sa.BigInteger(), nullable=False),
        sa.Column("urgent", sa.SmallInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["issuer"], ["authority_key.id"], name="fk_revocation_list_issuer"),
        sa.PrimaryKeyConstraint("id", name="pk_revocation_list"),
        sa.UniqueConstraint("issuer", "scope", "base", "number", name="uq_revocation_list_issuer"),
    )


def _contents() -> None:
    op.create_table(
        "list_part",
        sa.Column("list", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["list"], ["revocation_list.id"], name="fk_list_part_list"),
        sa.PrimaryKeyConstraint("list", "place", name="pk_list_part"),
    )
    op.create_table(
        "pushed_list",
        sa.Column("outlet", sa.Text(), nullable=False),
        sa.Column("issuer", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("scope", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("delta", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("pushed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["issuer"], ["authority_key.id"], name="fk_pushed_list_issuer"),
        sa.PrimaryKeyConstraint("outlet", "issuer", "scope", "delta", name="pk_pushed_list"),
    )


def _records() -> None:
    op.create_table(
        "event",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
    )
    op.create_index("ix_event_person", "event", ["person"])
    op.create_table(
        "responder",
        sa.Column("id", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("issuer", sa.BigInteger(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("encoded", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["issuer"], ["authority_key.id"], name="fk_responder_issuer"),
        sa.PrimaryKeyConstraint("id", name="pk_responder"),
    )


def _trail() -> None:
    op.create_table(
        "audit_chain",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.Integer(), nullable=False, server_default=_EPOCH),
        sa.PrimaryKeyConstraint("id", name="pk_audit_chain"),
    )
    op.create_table(
        "audit_entry",
        sa.Column("chain", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["chain"], ["audit_chain.id"], name="fk_audit_entry_chain"),
        sa.PrimaryKeyConstraint("chain", "number", name="pk_audit_entry"),
    )
    op.create_table(
        "audit_seal",
        sa.Column("number", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit_seal"),
    )


def _parts(table: str) -> None:
    """Makes the parts of a table, where the database keeps it in parts."""
    if op.get_bind().dialect.name == "postgresql":
        for part in range(_PARTS):
            op.execute(
                sa.text(
                    f"CREATE TABLE {table}_{part:02} PARTITION OF {table}"
                    f" FOR VALUES WITH (MODULUS {_PARTS}, REMAINDER {part})"
                )
            )


def _move() -> None:
    """Brings back what was put aside; a certificate itself says which distribution point it names."""
    run = op.get_bind()
    run.execute(sa.text("UPDATE authority SET revision = 1"))
    numbers: dict[tuple[int, bytes], int] = {}
    places: list[dict[str, object]] = []
    certificates = run.execute(
        sa.text(
            "SELECT c.id, c.authority, c.municipality, e.encoded FROM old_certificate c"
            " JOIN old_encoded_certificate e ON e.id = c.id ORDER BY c.id"
        )
    )
    for key, authority, municipality, encoded in certificates:
        name = _point_of(encoded)
        if (authority, name) not in numbers:
            numbers[authority, name] = len(numbers) + 1
            run.execute(
                sa.text("INSERT INTO distribution_point VALUES (:id, :authority, :municipality, :name)"),
                {"id": len(numbers), "authority": authority, "municipality": municipality, "name": name},
            )
        places.append({"id": key, "point": numbers[authority, name]})
    _move_certificates(run, places)
    _move_revocations(run, {place["id"]: place["point"] for place in places})
    if run.dialect.name == "postgresql":
        # The numbers above were given here, and not by the sequence.
        run.execute(sa.text("SELECT setval('distribution_point_id_seq', :next, false)"), {"next": len(numbers) + 1})


def _move_certificates(run: sa.Connection, places: list[dict[str, object]]) -> None:
    copied = (
        "INSERT INTO certificate SELECT id, holder, authority, ordinal, issuer, municipality, :point, not_before,"
        " not_after, key_hash, submission, counterpart, confirmed_at, NULL FROM old_certificate WHERE id = :id"
    )
    run.execute(sa.text("CREATE INDEX old_certificate_id ON old_certificate (id)"))
    for start in range(0, len(places), _AT_ONCE):
        run.execute(sa.text(copied), places[start : start + _AT_ONCE])
    for statement in (
        "INSERT INTO holder_certificate SELECT holder, authority, ordinal, id FROM old_certificate",
        "INSERT INTO certificate_key SELECT key_hash, id FROM old_certificate",
        "INSERT INTO encoded_certificate SELECT id, encoded FROM old_encoded_certificate",
        "INSERT INTO job_certificate SELECT certificate, job FROM old_job_certificate",
    ):
        run.execute(sa.text(statement))


def _move_revocations(run: sa.Connection, points: dict[object, object]) -> None:
    new = sa.text(
        "INSERT INTO revocation VALUES"
        " (:id, :issuer, :point, :reason, :revoked_at, :noted_at, :not_after, 1, :line, NULL)"
    )
    columns = "id, issuer, reason, revoked_at, noted_at, not_after"
    old = run.execute(sa.text(f"SELECT {columns} FROM old_revocation ORDER BY id"))  # noqa: S608 - a constant
    for row in old.mappings():
        moment = datetime.fromtimestamp(row["revoked_at"], UTC)
        line = encode_revoked([(row["id"] & 0xFFFFFFFF, moment, RevocationReason(row["reason"]))])
        run.execute(new, {**row, "point": points.get(row["id"]), "line": line})


def _point_of(encoded: bytes) -> bytes:
    (point,) = Certificate.parse(encoded).distribution_points
    (name,) = point.directory_names
    return bytes(name.raw)
