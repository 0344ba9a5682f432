"""What is built in. To add a detector: one file, and one line here. The order breaks ties between equal findings."""

from gnomon.guard.detectors import (
    accounts,
    age,
    bank_card,
    birth,
    dates,
    devices,
    documents,
    email,
    europe,
    foreign,
    location,
    nationality,
    network,
    phone,
    plate,
    postcode,
    registers,
    resident_id,
    secrets,
    social_credit,
    web,
)
from gnomon.guard.detectors.base import Detector

DETECTORS: tuple[Detector, ...] = (
    secrets.PRIVATE_KEY,
    secrets.JWT,
    secrets.KEY,
    secrets.URL_PASSWORD,
    secrets.PASSWORD,
    resident_id.DETECTOR,
    social_credit.CHECKED,
    social_credit.NAMED,
    bank_card.DETECTOR,
    europe.NHS,
    phone.MOBILE,
    phone.LANDLINE,
    phone.FOREIGN,
    email.DETECTOR,
    documents.PASSPORT,
    documents.PERMIT,
    documents.LICENCE,
    documents.OFFICER,
    plate.DETECTOR,
    registers.MRN,
    registers.INSURANCE,
    registers.STUDENT,
    birth.DETECTOR,
    accounts.WECHAT,
    accounts.QQ,
    network.IP,
    network.MAC,
    location.DETECTOR,
    devices.IMEI,
    devices.VIN,
    foreign.IBAN,
    foreign.SSN,
    foreign.NINO,
    foreign.TAX,
    *europe.NATIONAL,
    europe.VAT,
)

ON_REQUEST: tuple[Detector, ...] = (
    age.DETECTOR,
    dates.DETECTOR,
    web.DETECTOR,
    postcode.DETECTOR,
    nationality.DETECTOR,
)
"""Looked for only by a policy that has a rule for them, which `*` is not."""
NAMED_ON_REQUEST = frozenset(("LOCATION",))
"""The same among what is found by the sentence, as names are: it needs the speed `names` or `deep`."""

__all__ = ["DETECTORS", "NAMED_ON_REQUEST", "ON_REQUEST", "Detector"]
