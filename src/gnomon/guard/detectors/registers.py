"""病历号、医保/社保号、学籍号 / numbers in registers of hospitals, insurers and schools, after their key words."""

from gnomon.guard.detectors.base import Detector, keyed
from gnomon.guard.scan import literal

_MRN = (
    "住院号",
    "门诊号",
    "病历号",
    "病案号",
    "就诊号",
    "就诊卡号",
    "登记号",
    "患者编号",
    "患者ID",
    "病人ID",
    "体检号",
    "检查号",
    "急诊号",
    "住院编号",
    "病历编号",
    "MRN",
    "medical record",
)
_INSURANCE = (
    "医保号",
    "医保卡号",
    "医保编号",
    "医疗保险号",
    "社保号",
    "社保卡号",
    "社会保障号",
    "社保编号",
    "医保卡",
    "社保卡",
    "参保号",
    "社会保障卡",
    "医疗证号",
    "个人编号",
    "保险号",
    "insurance number",
    "insurance no",
)
_STUDENT = (
    "学籍号",
    "学号",
    "学生证号",
    "学籍",
    "考生号",
    "准考证号",
    "准考证",
    "学生编号",
    "student id",
    "student no",
    "student number",
)
# Three digits at least: `mrn8yGkKJ` is a piece of base64.
_VALUE = (
    r"(?ai:(?=[A-Z\-]{0,6}[0-9](?:[A-Z\-/]{0,19}[0-9]){2})"
    r"[A-Z]{0,4}-?[0-9](?:[A-Z0-9]|[\-/](?=[0-9])){4,19})(?![A-Za-z0-9])"
)

MRN = Detector("MRN", "病历号", tuple(map(literal, _MRN)), keyed("MRN", _MRN, _VALUE), visible=(2, 2))
INSURANCE = Detector(
    "INSURANCE_NO", "社保号", tuple(map(literal, _INSURANCE)), keyed("INSURANCE_NO", _INSURANCE, _VALUE), visible=(2, 2)
)
STUDENT = Detector(
    "STUDENT_NO", "学籍号", tuple(map(literal, _STUDENT)), keyed("STUDENT_NO", _STUDENT, _VALUE), visible=(2, 2)
)
