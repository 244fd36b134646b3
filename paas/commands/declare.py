"""What may be asked, by which name, by whom? The decorator that declares a command, and the registry of all.

The signature is the schema, the docstring the help, `allow` the gate. `allow` has no default: a command without it does
not import. From one declaration come the SSH and the local command, the HTTP route with its OpenAPI entry, the audit
line and the reference in docs/commands.md.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from paas.errors import PaasError, UsageError
from paas.rules.access import LEVELS, Level

Allow = Literal["admin", "member", "self", "view", "deploy", "operate", "own"]
Place = Literal["argument", "rest", "option", "flag"]


@dataclass(frozen=True)
class AppOf:
    """Marks a parameter that names an app: the gate finds it, checks the grant and hands over its row."""


@dataclass(frozen=True)
class Help:
    """One line about a parameter: `Annotated[int, Help("how many lines")]`."""

    text: str


@dataclass(frozen=True)
class FromStdin:
    """Marks a text option that the terminal doors read from stdin when it is not given."""


@dataclass(frozen=True)
class Short:
    """A one-letter form of an option: `Annotated[bool, Short("t")]`."""

    letter: str


@dataclass(frozen=True)
class Parameter:
    name: str
    place: Place
    annotation: Any
    required: bool
    default: Any
    is_app: bool
    from_stdin: bool
    repeats: bool  # an option that may be given several times
    help: str
    short: str | None

    @property
    def option(self) -> str:
        return "--" + self.name.rstrip("_").replace("_", "-")


@dataclass(frozen=True)
class Command:
    name: str
    function: Callable[..., Any]
    allow: Allow
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    model: type[BaseModel]
    summary: str
    description: str
    returns: Any
    show: Callable[[Any], str] | None
    heading: str  # stands over the text, with {app} for its name; "" when there is none, or `show` makes it
    aliases: tuple[str, ...]
    is_dangerous: bool  # asks for the app's name unless --force
    passes_words: bool  # what follows the app is another program's words (run, enter)
    takes_all: bool  # the terminal doors run it for every app with --all
    is_local: bool = False  # only at the machine itself (paas up)
    examples: tuple[str, ...] = field(default=())

    @property
    def topic(self) -> str:
        return self.name.partition(":")[0]

    @property
    def app_parameter(self) -> Parameter | None:
        return next((parameter for parameter in self.parameters if parameter.is_app), None)

    @property
    def changes(self) -> bool:
        return self.method != "GET"

    @property
    def needs_level(self) -> Level | None:
        return self.allow if self.allow in LEVELS else None


REGISTRY: dict[str, Command] = {}
ALIASES: dict[str, str] = {}


def command(
    name: str,
    *,
    allow: Allow,
    api: str,
    show: Callable[[Any], str] | None = None,
    heading: str = "",
    aliases: tuple[str, ...] = (),
    dangerous: bool = False,
    passes_words: bool = False,
    takes_all: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare `name` ("apps:create"). `api`: method and path below /api/v1 ("POST /apps").

    Positional parameters are arguments, `*words` the rest, keyword-only ones options (bool: flags; tuple: repeated).
    The first paragraph of the docstring is the summary; lines that begin with `$ ` are examples.
    """

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        method, _, path = api.partition(" ")
        text = inspect.getdoc(function) or ""
        if not text:
            raise TypeError(f"command {name} has no docstring")
        lines = text.splitlines()
        parameters = _parameters(function)
        REGISTRY[name] = Command(
            name=name,
            function=function,
            allow=allow,
            method=method,
            path=path,
            parameters=parameters,
            model=_model(name, parameters),
            summary=lines[0],
            description="\n".join(line for line in lines[1:] if not line.startswith("$ ")).strip(),
            examples=tuple(line[2:] for line in lines if line.startswith("$ ")),
            returns=typing.get_type_hints(function, include_extras=True).get("return", None),
            show=show,
            heading=heading,
            aliases=aliases,
            is_dangerous=dangerous,
            passes_words=passes_words,
            takes_all=takes_all,
        )
        ALIASES.update(dict.fromkeys(aliases, name))
        return function

    return declare


def find(name: str) -> Command | None:
    return REGISTRY.get(ALIASES.get(name, name))


def _parameters(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    hints = typing.get_type_hints(function, include_extras=True)
    found = []
    for raw in list(inspect.signature(function).parameters.values())[1:]:
        annotation: Any = hints[raw.name]
        marks = annotation.__metadata__ if typing.get_origin(annotation) is Annotated else ()
        plain = annotation.__origin__ if marks else annotation
        has_default = raw.default is not inspect.Parameter.empty
        place: Place = "argument"
        if raw.kind is inspect.Parameter.VAR_POSITIONAL:
            place, annotation = "rest", types.GenericAlias(tuple, (annotation, ...))
        elif raw.kind is inspect.Parameter.KEYWORD_ONLY:
            place = "flag" if plain is bool else "option"
        found.append(
            Parameter(
                name=raw.name,
                place=place,
                annotation=annotation,
                required=(place == "argument" and not has_default) or (place == "option" and not has_default),
                default=raw.default if has_default else (() if place == "rest" else None),
                is_app=any(isinstance(mark, AppOf) for mark in marks),
                from_stdin=any(isinstance(mark, FromStdin) for mark in marks),
                repeats=place == "option" and typing.get_origin(plain) is tuple,
                help=next((mark.text for mark in marks if isinstance(mark, Help)), ""),
                short=next((mark.letter for mark in marks if isinstance(mark, Short)), None),
            )
        )
    return tuple(found)


def _model(name: str, parameters: tuple[Parameter, ...]) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for parameter in parameters:
        annotation = (str if parameter.required else str | None) if parameter.is_app else parameter.annotation
        fields[parameter.name] = (annotation, ... if parameter.required else parameter.default)
    title = "".join(part.capitalize() for part in name.replace(":", "-").split("-")) + "Input"
    return create_model(title, __config__=ConfigDict(extra="forbid", arbitrary_types_allowed=True), **fields)


def validate(declared: Command, words: dict[str, Any]) -> dict[str, Any]:
    """Checked values by parameter name. Raises UsageError that names the first wrong word, or what its type raised."""
    _want_texts(declared, words)
    try:
        checked = declared.model.model_validate(words)
    except PaasError:
        raise
    except ValidationError as error:
        first = error.errors()[0]
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, PaasError):
            raise cause from None
        where = str(first["loc"][0])[:40] if first["loc"] else declared.name
        where = where if where.isprintable() else ascii(where)
        said = {"missing": "is missing", "extra_forbidden": "is not known here"}.get(first["type"], first["msg"])
        raise UsageError(f"{where.replace('_', '-')}: {said}", f"help {declared.name}") from None
    return {name: getattr(checked, name) for name in declared.model.model_fields}


def _want_texts(declared: Command, words: dict[str, Any]) -> None:
    """Raises UsageError for what no database takes: NUL, and half a Unicode pair (JSON can carry one).

    A NUL in long texts and lists is for the command to refuse in its own words.
    """
    holds_text = {parameter.name for parameter in declared.parameters if parameter.from_stdin}
    for name, value in words.items():
        texts = value if isinstance(value, list | tuple) else (value,)
        wrong = any(isinstance(text, str) and not _is_unicode(text) for text in texts)
        if wrong or (isinstance(value, str) and "\0" in value and name not in holds_text):
            raise UsageError(f"{name[:40].replace('_', '-')!a} is no text", f"help {declared.name}")


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
