"""Requests as the OpenAI API and vLLM define them, as far as this server answers them."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gnomon.app.modelserver.errors import BadRequest, Unsupported

_REFUSED = ("tools", "functions", "audio", "modalities", "logit_bias", "prediction")


class TextPart(BaseModel):
    type: Literal["text"]
    text: str


class Message(BaseModel):
    role: str
    content: str | list[TextPart] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "".join(part.text for part in self.content)
        return self.content or ""


class StructuredOutputs(BaseModel):
    model_config = ConfigDict(extra="forbid")
    choice: list[str]


class StreamOptions(BaseModel):
    include_usage: bool = False


class ChatRequest(BaseModel):
    model_config = ConfigDict(extra="allow")
    model: str
    messages: list[Message] = Field(min_length=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: float = Field(default=1.0, ge=0.0, le=2.0)
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    n: int = 1
    seed: int | None = Field(default=None, ge=0)
    stop: str | list[str] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    logprobs: bool = False
    top_logprobs: int = Field(default=0, ge=0, le=20)
    structured_outputs: StructuredOutputs | None = None
    guided_choice: list[str] | None = None

    @property
    def prompt(self) -> str:
        """Our template: the messages' texts in order, a line each. A single message is used exactly as it is."""
        return "\n".join(message.text for message in self.messages)

    @property
    def choices(self) -> list[str] | None:
        """The allowed answers, None when any text may follow. Raises BadRequest on an empty or repeated one."""
        given = self.structured_outputs.choice if self.structured_outputs else self.guided_choice
        if given is None:
            return None
        if not given or not all(given) or len(set(given)) < len(given):
            raise BadRequest(
                f"The choices {given} are empty or repeat one.",
                next_step="List every choice once.",
                param="structured_outputs",
            )
        return given

    @property
    def stops(self) -> tuple[str, ...]:
        stops = [self.stop] if isinstance(self.stop, str) else self.stop or []
        if len(stops) > 4 or not all(stops):
            raise BadRequest(f"{len(stops)} stop strings.", next_step="Give at most four, none empty.", param="stop")
        return tuple(stops)

    def refuse_unsupported(self) -> None:
        """Raises Unsupported for what would otherwise be silently ignored."""
        extra: dict[str, Any] = self.model_extra or {}
        asked = [name for name in _REFUSED if extra.get(name)]
        if (extra.get("response_format") or {}).get("type", "text") != "text":
            asked.append("response_format")
        if self.n != 1:
            asked.append("n")
        if asked:
            raise Unsupported(
                f"This server does not support: {', '.join(asked)}.", next_step="Leave it out.", param=asked[0]
            )


class LoadAdapter(BaseModel):
    lora_name: str
    lora_path: str
    load_inplace: bool = False


class UnloadAdapter(BaseModel):
    lora_name: str
