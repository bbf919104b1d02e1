"""The words everybody uses: roles, names of certificates, secrets, the four attributes, days in Japan's time."""

from .days import JST, birthday_in, day_in_japan, end_of_day_in_japan
from .errors import BadCertificateName
from .person import BirthDate, Era, FourAttributes, Sex
from .role import CertificateName, Role
from .secret import HIDDEN, Pin, Secret

__all__ = [
    "HIDDEN",
    "JST",
    "BadCertificateName",
    "BirthDate",
    "CertificateName",
    "Era",
    "FourAttributes",
    "Pin",
    "Role",
    "Secret",
    "Sex",
    "birthday_in",
    "day_in_japan",
    "end_of_day_in_japan",
]
