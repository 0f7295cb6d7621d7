"""The key-encryption keys of a process; what is wrong is said by the name of the setting that has them."""

from models.wire.keys import KeyRing, parse_keks
from runtime.settings import Settings, SettingsError


def parsed_keks(settings: Settings) -> dict[str, bytes]:
    """Keys by name. Raises SettingsError where they are missing or wrong."""
    document = settings.kek_document()
    source = "ANBU_KEK: the document" if settings.kek_file is None else f"ANBU_KEK_FILE: {settings.kek_file}"
    try:
        return parse_keks(document)
    except ValueError as error:
        raise SettingsError(f"{source} {error}") from None


def key_ring(settings: Settings) -> KeyRing:
    """Raises SettingsError where the keys are missing or wrong."""
    return KeyRing(parsed_keks(settings))
