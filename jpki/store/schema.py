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
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

__all__ = [
    "NUMBER",
    "PARTITIONED",
    "audit_chain",
    "audit_entry",
    "audit_seal",
    "authority",
    "authority_key",
    "card",
    "certificate",
    "certificate_key",
    "distribution_point",
    "encoded_certificate",
    "event",
    "holder_certificate",
    "intent",
    "job",
    "job_certificate",
    "list_part",
    "metadata",
    "pushed_list",
    "release",
    "responder",
    "revocation",
    "revocation_list",
    "setting",
]

# SQLite takes only a column declared INTEGER for its row number; the two are the same 64 bits.
NUMBER = BigInteger().with_variant(Integer(), "sqlite")

PARTITIONED = ("certificate", "holder_certificate", "certificate_key", "encoded_certificate", "revocation")
"""The tables that PostgreSQL keeps in parts."""

# By hash, so that all parts grow alike; SQLite keeps the table whole.
_BY_NUMBER = "HASH (id)"

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
    # Rises with every transaction that changes what the authority's lists say.
    Column("revision", BigInteger, nullable=False, server_default=text("0")),
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
    Column("place", Text),  # where the private key is; NULL: in the folder of sealed files
)

# Where the revocation of a municipality's certificates is published, by the name that stands in them (DER).
distribution_point = Table(
    "distribution_point",
    metadata,
    Column("id", NUMBER, primary_key=True),
    Column("authority", SmallInteger, ForeignKey("authority.code"), nullable=False),
    Column("municipality", Text, nullable=False),
    Column("name", LargeBinary, nullable=False),
    UniqueConstraint("authority", "name"),
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
    Column("point", NUMBER, ForeignKey("distribution_point.id"), nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("not_after", BigInteger, nullable=False),
    Column("key_hash", LargeBinary, nullable=False),
    Column("submission", LargeBinary, nullable=False),
    Column("counterpart", BigInteger),
    Column("confirmed_at", BigInteger),
    Column("entry", BigInteger),  # of the audit trail; NULL: from before there was one
    postgresql_partition_by=_BY_NUMBER,
)

# Predecessor and successor are the neighbours in this order, and no two can claim the same place. A table of its own,
# as the next one: where certificates are spread by number, only what holds the number can be unique among them.
holder_certificate = Table(
    "holder_certificate",
    metadata,
    Column("holder", Text, primary_key=True),
    Column("authority", SmallInteger, primary_key=True, autoincrement=False),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("certificate", NUMBER, nullable=False),
    sqlite_with_rowid=False,
    postgresql_partition_by="HASH (holder)",
)

certificate_key = Table(
    "certificate_key",
    metadata,
    Column("key_hash", LargeBinary, primary_key=True),
    Column("certificate", NUMBER, nullable=False),
    sqlite_with_rowid=False,
    postgresql_partition_by="HASH (key_hash)",
)

encoded_certificate = Table(
    "encoded_certificate",
    metadata,
    Column("id", NUMBER, ForeignKey("certificate.id"), primary_key=True, autoincrement=False),
    Column("encoded", LargeBinary, nullable=False),
    postgresql_partition_by=_BY_NUMBER,
)

# A number can be revoked of which nothing else is known: a restored store takes it over from a published list.
revocation = Table(
    "revocation",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    Column("issuer", BigInteger, ForeignKey("authority_key.id"), nullable=False),
    Column("point", NUMBER),  # NULL: nobody knows where it lived
    Column("reason", SmallInteger, nullable=False),
    Column("revoked_at", BigInteger, nullable=False),
    Column("noted_at", BigInteger, nullable=False),
    Column("not_after", BigInteger, nullable=False),  # the certificate's, so that a list needs no second table
    Column("revision", BigInteger, nullable=False),
    Column("line", LargeBinary, nullable=False),  # as it stands in lists (DER), made once
    Column("entry", BigInteger),
    Index("ix_revocation_issuer_revision", "issuer", "revision"),
    Index("ix_revocation_point", "point", "id"),
    postgresql_partition_by=_BY_NUMBER,
)

# A hold that ended, for the next deltas; the last one of a number.
release = Table(
    "release",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    Column("issuer", BigInteger, ForeignKey("authority_key.id"), nullable=False),
    Column("point", NUMBER),
    Column("released_at", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("line", LargeBinary, nullable=False),
    Column("entry", BigInteger),
    Index("ix_release_issuer_revision", "issuer", "revision"),
)

# Numbers rise for each key; a delta has the number that a complete list of the same moment has, or would have.
revocation_list = Table(
    "revocation_list",
    metadata,
    Column("id", NUMBER, primary_key=True),
    Column("issuer", BigInteger, ForeignKey("authority_key.id"), nullable=False),
    Column("scope", NUMBER, nullable=False),  # a distribution point; 0: everything that the key signed
    Column("base", BigInteger, nullable=False),  # the number of the list that a delta goes on from; 0: complete
    Column("number", BigInteger, nullable=False),
    Column("this_update", BigInteger, nullable=False),
    Column("next_update", BigInteger, nullable=False),
    Column("urgent", SmallInteger, nullable=False),  # 1: out of turn
    Column("revision", BigInteger, nullable=False),  # everything up to here is in it
    Column("entries", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("entry", BigInteger),
    UniqueConstraint("issuer", "scope", "base", "number"),
)

# The octets of the newest lists, cut into pieces.
list_part = Table(
    "list_part",
    metadata,
    Column("list", NUMBER, ForeignKey("revocation_list.id"), primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)

# Which list each outlet was given last, for those who watch; what it really holds, the outlet itself says.
pushed_list = Table(
    "pushed_list",
    metadata,
    Column("outlet", Text, primary_key=True),
    Column("issuer", BigInteger, ForeignKey("authority_key.id"), primary_key=True, autoincrement=False),
    Column("scope", NUMBER, primary_key=True, autoincrement=False),
    Column("delta", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("pushed_at", BigInteger, nullable=False),
)

# What a register, a card desk, a holder or the authority reported, once each.
event = Table(
    "event",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("noted_at", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("entry", BigInteger),
)

# The certificates of those who sign answers about certificates (OCSP).
responder = Table(
    "responder",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    Column("issuer", BigInteger, ForeignKey("authority_key.id"), nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("not_after", BigInteger, nullable=False),
    Column("encoded", LargeBinary, nullable=False),
    Column("entry", BigInteger),
)

# The audit trail: chains of those who wrote, and seals over the ends of all chains.
audit_chain = Table(
    "audit_chain",
    metadata,
    Column("id", NUMBER, primary_key=True),
    Column("opened_at", BigInteger, nullable=False),
    # The last entry that a seal covers, so that the next one finds what is new; what seals say is in their own bodies.
    Column("sealed", Integer, nullable=False, server_default=text("0")),
)

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("chain", NUMBER, ForeignKey("audit_chain.id"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
)

audit_seal = Table(
    "audit_seal",
    metadata,
    Column("number", NUMBER, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
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
