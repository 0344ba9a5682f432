"""Check digits. Every function takes ASCII digits (and letters where the standard has them) and never raises."""

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK = "10X98765432"
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_VALUE = {char: value for value, char in enumerate(_USCC_ALPHABET)}
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_VIN_VALUE = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", map(int, "12345678123457923456789" + "0123456789"), strict=True)
)
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_LUHN_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def luhn(number: str) -> bool:
    """ISO/IEC 7812-1 annex B: cards, IMEI."""
    values = [ord(char) - 48 for char in reversed(number)]
    return (sum(values[::2]) + sum(_LUHN_DOUBLED[value] for value in values[1::2])) % 10 == 0


def resident_id(number: str) -> bool:
    """GB 11643-1999 check digit of an 18-character number; the area code and the birth date are not judged."""
    total = sum((ord(char) - 48) * weight for char, weight in zip(number[:17], _ID_WEIGHTS, strict=True))
    return _ID_CHECK[total % 11] == number[17].upper()


def social_credit_code(code: str) -> bool:
    """GB 32100-2015 check character of an 18-character upper-case code."""
    try:
        total = sum(_USCC_VALUE[char] * weight for char, weight in zip(code[:17], _USCC_WEIGHTS, strict=True))
    except KeyError:
        return False
    return _USCC_ALPHABET[-total % 31] == code[17]


def vehicle_id(vin: str) -> bool:
    """GB 16735 / ISO 3779 check digit (ninth place) of a 17-character upper-case VIN."""
    try:
        total = sum(_VIN_VALUE[char] * weight for char, weight in zip(vin, _VIN_WEIGHTS, strict=True))
    except KeyError:
        return False
    return "0123456789X"[total % 11] == vin[8]


def iban(code: str) -> bool:
    """ISO 13616 modulo 97 of an upper-case IBAN without spaces."""
    return int("".join(str(int(char, 36)) for char in code[4:] + code[:4])) % 97 == 1
