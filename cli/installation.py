"""What a relying party may leave out at installation, and what the command line says where it then is not there."""

from __future__ import annotations

from .catalogue import ErrorWords, words

__all__ = ["installed_version", "words_for_what_is_not_installed"]

# Packages of one extra of the distribution: who lacks one of them mostly lacks the other.
_TOGETHER = (("click", "rich"), ("sqlalchemy", "alembic"))


def installed_version() -> str:
    """Returns the version of this toolkit as it is installed, "?" where it runs without having been."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("jpki-toolkit")
    except PackageNotFoundError:
        return "?"


def words_for_what_is_not_installed(error: BaseException) -> ErrorWords | None:
    """Returns what to say of a package that was left out at installation; None for any other failure."""
    if not isinstance(error, ModuleNotFoundError):
        return None
    package = (error.name or "").partition(".")[0]
    for packages in _TOGETHER:
        if package in packages:
            what = words("ends", "PackageMissing", package=package)
            return ErrorWords((what, words("ends", "PackageMissing.do", packages=" ".join(packages))))
    return None
