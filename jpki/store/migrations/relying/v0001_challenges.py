"""Outstanding challenges of logins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Makes the first table."""
    op.create_table(
        "challenge",
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("nonce", name="pk_challenge"),
    )
    op.create_index("ix_challenge_issued_at", "challenge", ["issued_at"])
