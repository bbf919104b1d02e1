"""The tables, as SQLAlchemy draws them; the migrations beside this module make them, and a test compares the two.

A certificate is one number here: the authority's code in the upper 32 bits, its serial number in the lower 32. So the
key of every table is one integer that both SQLite and PostgreSQL keep in order, and a partition by authority or by
hash of the number needs no second key. Moments are seconds since 1970 in UTC.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

__all__ = [
    "NUMBER",
    "authority",
    "authority_key",
    "card",
    "certificate",
    "encoded_certificate",
    "intent",
    "job",
    "job_certificate",
    "metadata",
    "revocation",
    "revocation_list",
    "setting",
]

# SQLite takes only a column declared INTEGER for its row number; the two are the same 64 bits.
NUMBER = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

setting = Table(
    "setting",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

authority = Table(
    "authority",
    metadata,
    Column("code", SmallInteger, primary_key=True, autoincrement=False),
    Column("next_number", BigInteger, nullable=False),
    Column("next_list", BigInteger, nullable=False),
)

authority_key = Table(
    "authority_key",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    Column("authority", SmallInteger, ForeignKey("authority.code"), nullable=False),
    Column("generation", SmallInteger, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("not_after", BigInteger, nullable=False),
    Column("encoded", LargeBinary, nullable=False),
    UniqueConstraint("authority", "generation"),
)

# What is about to be signed. A row goes when its certificate is stored; one that stays is a number without one.
intent = Table(
    "intent",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    Column("holder", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("submission", LargeBinary, nullable=False),
    Column("noted_at", BigInteger, nullable=False),
)

certificate = Table(
    "certificate",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    Column("holder", Text, nullable=False),
    Column("authority", SmallInteger, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("issuer", BigInteger, ForeignKey("authority_key.id"), nullable=False),
    Column("municipality", Text, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("not_after", BigInteger, nullable=False),
    Column("key_hash", LargeBinary, nullable=False),
    Column("submission", LargeBinary, nullable=False),
    Column("counterpart", BigInteger),
    Column("confirmed_at", BigInteger),
    # Predecessor and successor are the neighbours in this order, and no two can claim the same place.
    UniqueConstraint("holder", "authority", "ordinal"),
    UniqueConstraint("key_hash"),
)

encoded_certificate = Table(
    "encoded_certificate",
    metadata,
    Column("id", NUMBER, ForeignKey("certificate.id"), primary_key=True, autoincrement=False),
    Column("encoded", LargeBinary, nullable=False),
)

# A number can be revoked of which nothing else is known: a restored store takes it over from a published list.
revocation = Table(
    "revocation",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    Column("issuer", BigInteger, ForeignKey("authority_key.id"), nullable=False),
    Column("reason", SmallInteger, nullable=False),
    Column("revoked_at", BigInteger, nullable=False),
    Column("noted_at", BigInteger, nullable=False),
    Column("not_after", BigInteger, nullable=False),  # the certificate's, so that a list needs no second table
    Column("first_list", BigInteger),
)

revocation_list = Table(
    "revocation_list",
    metadata,
    Column("authority", SmallInteger, ForeignKey("authority.code"), primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("issuer", BigInteger, ForeignKey("authority_key.id"), nullable=False),
    Column("this_update", BigInteger, nullable=False),
    Column("next_update", BigInteger, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
)

# A card that was given to a holder, or is being made for one. A day is its ISO text.
card = Table(
    "card",
    metadata,
    Column("serial", LargeBinary, primary_key=True),
    Column("holder", Text, nullable=False, index=True),
    Column("profile", Text, nullable=False),
    Column("expires_on", Text, nullable=False),
    Column("delivered_at", BigInteger),
)

# A piece of work on a card; at most one of a card's is not done.
job = Table(
    "job",
    metadata,
    Column("id", NUMBER, primary_key=True),
    Column("card", LargeBinary, ForeignKey("card.serial"), nullable=False, index=True),
    Column("occasion", Text, nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    Column("done_at", BigInteger),
)

job_certificate = Table(
    "job_certificate",
    metadata,
    Column("certificate", NUMBER, ForeignKey("certificate.id"), primary_key=True, autoincrement=False),
    Column("job", NUMBER, ForeignKey("job.id"), nullable=False, index=True),
)
