"""The notices of the gateways that have been taken over."""

from sqlalchemy.orm import Mapped, mapped_column

from gnomon.kit.db import Base


class TakenNotice(Base):
    __tablename__ = "traffic_taken_notice"
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    at: Mapped[float] = mapped_column(index=True)  # Unix seconds, the gateway's clock
