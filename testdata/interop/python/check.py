"""What the scripts report with, one JSON line each; the Go test that runs a script reads them."""
import json


def say(**line):
    print(json.dumps(line), flush=True)


def check(name, got, want):
    """Reports whether got is want, types and all: 1 is not True, nor 1.0."""
    if repr(canonical(got)) == repr(canonical(want)):
        say(check=name, ok=True)
    else:
        say(check=name, ok=False, got=repr(got)[:500], want=repr(want)[:500])


def canonical(value):
    """Writes dicts in one order, and all that is binary as bytes."""
    if isinstance(value, dict):
        return {key: canonical(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return type(value)(canonical(item) for item in value)
    return bytes(value) if isinstance(value, bytearray) else value


def tell(step):
    """Lets the Go test know that the script has come so far."""
    say(step=step)
