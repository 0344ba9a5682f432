"""What every paper draws on: the rows as they are, names of people and posts, and the evidence that it cites."""

from datetime import datetime

from sqlalchemy.orm import Session

from gnomon.control.approvals import queries as approvals
from gnomon.control.approvals.tables import ApprovalRequest
from gnomon.control.evidence import queries as evidence
from gnomon.control.evidence.tables import Artefact
from gnomon.control.people import queries as people
from gnomon.control.reports.voice import NONE, Voice
from gnomon.control.rulebook import rules as rulebook
from gnomon.control.rulebook.schemas import Language
from gnomon.engine.documents import Block, Paragraph, Section, Signature, Table
from gnomon.kit.errors import NotFound

OWN = "reports."
"""Sources of evidence that papers themselves leave: a paper does not cite those, or each issue would differ."""


class Context:
    """One paper in the making. `now` is its date: nothing is read from the clock."""

    def __init__(self, session: Session, *, locale: str, zone: str, now: datetime) -> None:
        self.session = session
        self.now = now
        self.say = Voice(locale, zone)
        self.book = rulebook.load()
        self._names = people.names(session)
        self._teams = {person.id: person.team for person in people.people(session)}
        self._cited: dict[str, Artefact | None] = {}

    @property
    def locale(self) -> str:
        return self.say.locale

    # ------------------------------------------------------------ people

    def name(self, person_id: str) -> str:
        """The person's name; what the platform did itself says so."""
        if person_id.startswith("system:"):
            return self.say("系统", "the platform")
        return self._names.get(person_id, person_id) or NONE

    def team(self, team: str) -> str:
        found = next((one for one in self.book.matrix.teams if one.id == team), None)
        return found.title.in_language(self._language) if found else team or NONE

    def team_of(self, person_id: str) -> str:
        return self.team(self._teams.get(person_id, ""))

    def post(self, post: str) -> str:
        found = next((one for one in self.book.matrix.posts if one.id == post), None)
        return found.title.in_language(self._language) if found else post

    # ------------------------------------------------------------ evidence

    def cite(self, *evidence_ids: str) -> str:
        """Marks such as «证3» under which the list of evidence at the end has these artefacts."""
        marks = []
        for id in evidence_ids:
            if not id:
                continue
            if id not in self._cited:
                self._cited[id] = self._artefact(id)
            marks.append(self.say("证", "E") + str(list(self._cited).index(id) + 1))
        return self.say("、", ", ").join(marks) or NONE

    def about(self, kind: str, id: str) -> list[Artefact]:
        """All evidence about a thing up to the paper's date, oldest first; each is cited."""
        found = [one for one in evidence.about(self.session, kind, id) if not one.source.startswith(OWN)]
        found = [one for one in found if one.made_at <= self.now]
        self.cite(*(one.id for one in found))
        return found

    def newest(self, found: list[Artefact], source: str) -> Artefact | None:
        return next((one for one in reversed(found) if one.source == source), None)

    def evidence_section(self) -> Section:
        """Everything that was cited: what it proves, when it was made, its digest, and whether it is still intact."""
        say = self.say
        rows = []
        for place, (id, one) in enumerate(self._cited.items(), 1):
            mark = say("证", "E") + str(place)
            if one is None:
                rows.append((mark, say("没有这份证据", "no such evidence"), NONE, id, NONE))
                continue
            kind = self.book.evidence_kind(one.kind).title.in_language(self._language)
            intact = say("✓ 完整", "✓ intact") if evidence.is_intact(one) else say("■ 已被改动", "■ altered")
            what = f"{kind}\n{one.source}\n{say.state(one.state)}"
            rows.append((mark, what, f"{say.moment(one.made_at)}\n{intact}", one.id, self._digests(one)))
        table = Table(
            say("证据清单", "Evidence"),
            (say("标号", "Mark"), say("证明事项", "What it proves"), say("形成时间", "Made"), "ID", "SHA-256"),
            tuple(rows),
            widths=(0.08, 0.27, 0.19, 0.2, 0.26),
            empty=say("没有引用证据", "No evidence is cited."),
        )
        note = say(
            "每份证据的校验值覆盖其事实与附件；可在系统中按编号重新计算核对。",
            "The digest of each artefact covers its facts and its file; the platform computes it anew by the ID.",
        )
        return Section(say("附件：证据清单", "Annex: evidence"), (Paragraph(note, quiet=True), table))

    def _digests(self, one: Artefact) -> str:
        if not one.file_sha256:
            return one.sha256
        return f"{one.sha256}\n{one.file_name}: {one.file_sha256}"

    def _artefact(self, id: str) -> Artefact | None:
        try:
            return evidence.artefact(self.session, id)
        except NotFound:
            return None

    # ------------------------------------------------------------ approvals

    def requests(self, *wanted: tuple[str, str]) -> list[ApprovalRequest]:
        """The newest request of each (kind, subject) that there is, up to the paper's date."""
        found = (approvals.latest(self.session, kind, subject) for kind, subject in wanted)
        return [one for one in found if one is not None and one.created_at <= self.now]

    def signatures(self, *wanted: tuple[str, str]) -> tuple[Signature, ...]:
        """Every vote, and an empty line for each seat whose word is still wanted."""
        lines = []
        requests = self.requests(*wanted)
        for request in requests:
            matter = self.book.quorum(request.kind).title.in_language(self._language) if len(requests) > 1 else ""
            standing = approvals.standing(self.session, request)
            for vote in standing.votes:
                held = [self.post(post) for post in vote.posts]
                word = self.say.state("approved" if vote.approve else "rejected")
                at, comment = self.say.moment(vote.at), vote.comment
                role = f"{matter}\n{self.say.joined(held)}".strip()
                lines.append(Signature(role, self.name(vote.person_id), word, at, comment))
            if request.state == "pending":
                lines += [Signature(f"{matter}\n{self._seat(seat)}".strip()) for seat in standing.missing]
        return tuple(lines)

    def _seat(self, posts: list[str]) -> str:
        """Who may fill a seat: any of these posts."""
        return self.say(" 或 ", " or ").join(self.post(post) for post in posts)

    def approvals_table(self, *wanted: tuple[str, str]) -> Table:
        """What was put to the vote, with the digest that the votes are bound to."""
        say = self.say
        rows = tuple(
            (
                self.book.quorum(one.kind).title.in_language(self._language),
                self.name(one.author_id),
                say.moment(one.created_at),
                f"{say.state(one.state)}\n{say.moment(one.decided_at)}",
                one.content_sha256,
            )
            for one in self.requests(*wanted)
        )
        return Table(
            say("审批", "Approvals"),
            (
                say("事项", "Matter"),
                say("提交人", "Asked by"),
                say("提交时间", "Asked at"),
                say("结果", "Outcome"),
                say("审批内容 SHA-256", "SHA-256 of what was approved"),
            ),
            rows,
            widths=(0.16, 0.12, 0.22, 0.2, 0.3),
            empty=say("尚未提交审批", "Nothing was put up for approval yet."),
        )

    # ------------------------------------------------------------ blocks

    def text(self, text: str) -> Block:
        """What people wrote, or a note that they wrote nothing."""
        return Paragraph(text.strip() or self.say("（未填写）", "(not filled in)"))

    @property
    def _language(self) -> Language:
        return "en" if self.locale == "en" else "zh-CN"
