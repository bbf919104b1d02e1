"""Cards as data: one TOML file for each kind of card, read by the host and by the emulator alike."""

from jpki.formats import NoSuchProfile, ProfileError

from .loader import load_profile, load_profile_file, profile_names
from .model import (
    LONGEST_PIN,
    Access,
    Application,
    CardProfile,
    Dialect,
    InternalFile,
    IssuerDomain,
    Key,
    PinPolicy,
    PinProblem,
    RoleFiles,
    SigningScheme,
    TokenValues,
    TransparentFile,
    Write,
)

__all__ = [
    "LONGEST_PIN",
    "Access",
    "Application",
    "CardProfile",
    "Dialect",
    "InternalFile",
    "IssuerDomain",
    "Key",
    "NoSuchProfile",
    "PinPolicy",
    "PinProblem",
    "ProfileError",
    "RoleFiles",
    "SigningScheme",
    "TokenValues",
    "TransparentFile",
    "Write",
    "load_profile",
    "load_profile_file",
    "profile_names",
]
