"""What did somebody type that was refused? It is shown once more beside the reason, to be corrected and sent again."""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

TYPED = {
    "apps:create": {"name": "Name"},
    "config:import": {"text": "As in an .env file"},
    "config:set": {"pair_key": "Key", "pair_value": "Value"},
    "domains:add": {"names": "Host name"},
    "ssh-keys:add": {"name": "Name", "public_key": "Public key"},
}
LONG = ("text", "pair_value", "public_key")  # fields of more than a line


@dataclass(frozen=True)
class Field:
    """A typed field has a title, one that the page itself filled in has none."""

    name: str
    value: str
    title: str
    is_long: bool


def fields_again(command: str, form: MultiDict[str, str]) -> list[Field]:
    """The fields of a refused form but its token; none of a form that was only a button."""
    titles = TYPED.get(command)
    if titles is None:
        return []
    sent = [(name, value) for name, value in form.items(multi=True) if name != "csrf_token"]
    return [Field(name, value, titles.get(name, ""), name in LONG) for name, value in sent]
