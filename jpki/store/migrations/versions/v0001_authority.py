"""The authorities, their certificates and chains, revocations and lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Makes the first tables."""
    _authorities()
    _certificates()
    _revocations()


def _authorities() -> None:
    op.create_table(
        "setting",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_setting"),
    )
    op.create_table(
        "authority",
        sa.Column("code", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("next_number", sa.BigInteger(), nullable=False),
        sa.Column("next_list", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_authority"),
    )
    op.create_table(
        "authority_key",
        sa.Column("id", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("authority", sa.SmallInteger(), nullable=False),
        sa.Column("generation", sa.SmallInteger(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("encoded", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["authority"], ["authority.code"], name="fk_authority_key_authority"),
        sa.PrimaryKeyConstraint("id", name="pk_authority_key"),
        sa.UniqueConstraint("authority", "generation", name="uq_authority_key_authority"),
    )


def _certificates() -> None:
    op.create_table(
        "intent",
        sa.Column("id", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("submission", sa.LargeBinary(), nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_intent"),
    )
    op.create_table(
        "certificate",
        sa.Column("id", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("authority", sa.SmallInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("issuer", sa.BigInteger(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("submission", sa.LargeBinary(), nullable=False),
        sa.Column("counterpart", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["issuer"], ["authority_key.id"], name="fk_certificate_issuer"),
        sa.PrimaryKeyConstraint("id", name="pk_certificate"),
        sa.UniqueConstraint("holder", "authority", "ordinal", name="uq_certificate_holder"),
        sa.UniqueConstraint("key_hash", name="uq_certificate_key_hash"),
    )
    op.create_table(
        "encoded_certificate",
        sa.Column("id", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("encoded", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["certificate.id"], name="fk_encoded_certificate_id"),
        sa.PrimaryKeyConstraint("id", name="pk_encoded_certificate"),
    )


def _revocations() -> None:
    op.create_table(
        "revocation",
        sa.Column("id", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("issuer", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.SmallInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("first_list", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["issuer"], ["authority_key.id"], name="fk_revocation_issuer"),
        sa.PrimaryKeyConstraint("id", name="pk_revocation"),
    )
    op.create_table(
        "revocation_list",
        sa.Column("authority", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("issuer", sa.BigInteger(), nullable=False),
        sa.Column("this_update", sa.BigInteger(), nullable=False),
        sa.Column("next_update", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["authority"], ["authority.code"], name="fk_revocation_list_authority"),
        sa.ForeignKeyConstraint(["issuer"], ["authority_key.id"], name="fk_revocation_list_issuer"),
        sa.PrimaryKeyConstraint("authority", "number", name="pk_revocation_list"),
    )
