"""An error in the key-encryption keys of a process names the setting that has them."""

from models.wire.keys import KeyRing, parse_keks
from runtime.settings import Settings, SettingsError


def parsed_keks(settings: Settings) -> dict[str, bytes]:
    """Return the keys by name. Raises SettingsError if they are missing or wrong."""
    document = settings.kek_document()
    source = "ANBU_KEK: the document" if settings.kek_file is None else f"ANBU_KEK_FILE: {settings.kek_file}"
    try:
        return parse_keks(document)
    except ValueError as error:
        raise SettingsError(f"{source} {error}") from None


def key_ring(settings: Settings) -> KeyRing:
    """Return the key ring of a process. Raises SettingsError if the keys are missing or wrong."""
    return KeyRing(parsed_keks(settings))
