"""Check digits. Every function takes ASCII digits (and letters where the standard has them) and never raises."""

from operator import mul
from typing import Final

_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK: Final = "10X98765432"
_USCC_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_VALUE: Final = {char: value for value, char in enumerate(_USCC_ALPHABET)}
_USCC_WEIGHTS: Final = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_VIN_VALUE: Final = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", map(int, "12345678123457923456789" + "0123456789"), strict=True)
)
_VIN_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_ID_ZEROS: Final = 48 * sum(_ID_WEIGHTS)  # what the codes of seventeen zeros add up to
_LUHN_DOUBLED: Final = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))


def luhn(number: str) -> bool:
    """ISO/IEC 7812-1 annex B: cards, IMEI."""
    codes = number.encode()
    plain, doubled = codes[::-2], codes[-2::-2]
    return (sum(plain) - 48 * len(plain) + sum(doubled.translate(_LUHN_DOUBLED))) % 10 == 0


def resident_id(number: str) -> bool:
    """GB 11643-1999 check digit of an 18-character number; the area code and the birth date are not judged."""
    total = sum(map(mul, number[:17].encode(), _ID_WEIGHTS)) - _ID_ZEROS
    return _ID_CHECK[total % 11] == number[17].upper()


def social_credit_code(code: str) -> bool:
    """GB 32100-2015 check character of an 18-character upper-case code."""
    try:
        total = sum(map(mul, map(_USCC_VALUE.__getitem__, code[:17]), _USCC_WEIGHTS))
    except KeyError:
        return False
    return _USCC_ALPHABET[-total % 31] == code[17]


def vehicle_id(vin: str) -> bool:
    """GB 16735 / ISO 3779 check digit (ninth place) of a 17-character upper-case VIN."""
    try:
        total = sum(map(mul, map(_VIN_VALUE.__getitem__, vin), _VIN_WEIGHTS))
    except KeyError:
        return False
    return "0123456789X"[total % 11] == vin[8]


def iban(code: str) -> bool:
    """ISO 13616 modulo 97 of an upper-case IBAN without spaces."""
    return int("".join(str(int(char, 36)) for char in code[4:] + code[:4])) % 97 == 1


_CF_FIRST: Final = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21)
_CF_LAST: Final = (2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
_CF_ODD: Final = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", (*_CF_FIRST, *_CF_FIRST, *_CF_LAST), strict=True))
_NIF_LETTERS: Final = "TRWAGMYFPDXBNJZSQVHLCKE"


def fiscal_code(code: str) -> bool:
    """Check letter of an Italian codice fiscale of 16 upper-case characters (D.M. 23.12.1976)."""
    odd = sum(_CF_ODD[char] for char in code[:15:2])
    even = sum(int(char) if char.isdigit() else ord(char) - 65 for char in code[1:15:2])
    return chr(65 + (odd + even) % 26) == code[15]


def french_insee(number: str) -> bool:
    """Key of a French NIR of 15 characters; Corsican departments count as 19 and 18."""
    plain = number[:13].replace("2A", "19").replace("2B", "18")
    return plain.isdigit() and 97 - int(plain) % 97 == int(number[13:])


def belgian_register(number: str) -> bool:
    """Check of an 11-digit Belgian register number, born before 2000 or since."""
    return int(number[9:]) in (97 - int(number[:9]) % 97, 97 - int("2" + number[:9]) % 97)


def spanish_nif(number: str) -> bool:
    """Letter of a Spanish DNI (8 digits) or NIE (X, Y or Z and 7 digits)."""
    plain = str("XYZ".find(number[0])) + number[1:8] if number[0] in "XYZ" else number[:8]
    return plain.isdigit() and _NIF_LETTERS[int(plain) % 23] == number[-1]


def german_tax_id(number: str) -> bool:
    """ISO 7064 mod 11,10 of an 11-digit German tax id (AO 139b)."""
    product = 10
    for char in number[:10]:
        product = ((int(char) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(number[10])


def pesel(number: str) -> bool:
    """Check digit of an 11-digit Polish PESEL."""
    total = sum(int(char) * weight for char, weight in zip(number, (1, 3, 7, 9) * 2 + (1, 3, 1), strict=True))
    return total % 10 == 0


def dutch_bsn(number: str) -> bool:
    """The eleven test of a 9-digit Dutch BSN."""
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    return sum(int(char) * weight for char, weight in zip(number, weights, strict=True)) % 11 == 0


def nhs(number: str) -> bool:
    """Modulus 11 of a 10-digit NHS number."""
    check = 11 - sum(int(char) * (10 - place) for place, char in enumerate(number[:9])) % 11
    return check % 11 == int(number[9])
