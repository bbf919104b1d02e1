"""The ledger of issuance: which card is whose, and what is being done to it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Makes the tables of cards and of jobs."""
    op.create_table(
        "card",
        sa.Column("serial", sa.LargeBinary(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("expires_on", sa.Text(), nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("serial", name="pk_card"),
    )
    op.create_index("ix_card_holder", "card", ["holder"])
    op.create_table(
        "job",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("card", sa.LargeBinary(), nullable=False),
        sa.Column("occasion", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["card"], ["card.serial"], name="fk_job_card"),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
    )
    op.create_index("ix_job_card", "job", ["card"])
    op.create_table(
        "job_certificate",
        sa.Column("certificate", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("job", _NUMBER, nullable=False),
        sa.ForeignKeyConstraint(["job"], ["job.id"], name="fk_job_certificate_job"),
        sa.ForeignKeyConstraint(["certificate"], ["certificate.id"], name="fk_job_certificate_certificate"),
        sa.PrimaryKeyConstraint("certificate", name="pk_job_certificate"),
    )
    op.create_index("ix_job_certificate_job", "job_certificate", ["job"])
