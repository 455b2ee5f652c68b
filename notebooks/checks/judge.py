"""Judge an answer: "not attempted yet", "not yet: <hint>" or "correct"."""

import html
import importlib
import types
from dataclasses import dataclass

from checks.containment import Interrupted, Stop, TimeUp, run
from checks.words import CHECKS, Hint, one_line


@dataclass(frozen=True)
class Verdict:
    """The result of one check: `state` and, when it is "not yet", a hint."""

    state: str
    hint: str = ""

    def __repr__(self):
        return f"{self.state}: {self.hint}" if self.hint else self.state

    def _repr_html_(self):
        mark, colour = {
            "correct": ("✓", "#1a7f37"),
            "not yet": ("✗", "#bc4c00"),
            "not attempted yet": ("○", "#6e7781"),
        }[self.state]
        return (
            f'<div style="border-left:4px solid {colour};padding:.3em .8em">'
            f'<span aria-hidden="true">{mark} </span>{html.escape(repr(self))}'
            "</div>"
        )


def judge(number, answer):
    """Return the `Verdict` on `answer` for exercise `number`.

    Raises:
        KeyboardInterrupt: the learner interrupted the kernel; nothing else.
    """
    try:
        verdict, replaced = run(_ask, _find(number), answer)
    except Hint as hint:
        return Verdict("not yet", str(hint))
    except TimeUp as stop:
        return Verdict("not yet", str(stop))
    except Interrupted:
        raise KeyboardInterrupt from None
    except Exception as error:
        return Verdict("not yet", f"the check failed: {one_line(error)}")
    if replaced:
        return Verdict(
            "not yet", f"your code replaces {replaced[0]}; leave it be"
        )
    return verdict


def _ask(function, answer):
    """The verdict of a check; whatever the answer raises becomes a hint."""
    try:
        if _is_untouched(answer):
            return Verdict("not attempted yet")
        if blanks := _blanks(answer):
            verb = "is" if len(blanks) == 1 else "are"
            raise Hint(f"{', '.join(blanks)} {verb} still ...")
        function(answer)
    except Stop:
        raise
    except Hint as hint:
        return Verdict("not yet", str(hint))
    except BaseException as error:
        return Verdict(
            "not yet", f"the answer could not be used: {one_line(error)}"
        )
    return Verdict("correct")


def _find(number):
    """The check of an exercise.

    Raises:
        Hint: there is none, or its module cannot be imported.
    """
    if not isinstance(number, str):
        raise Hint('write the number in quotes, such as "1.3"')
    chapter = number.partition(".")[0]
    if chapter.isdecimal():
        module = f"checks.ch{int(chapter):02}"
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise Hint(
                    f"the package {error.name} is missing; "
                    "install what requirements.txt lists"
                ) from None
    if number not in CHECKS:
        raise Hint(f'there is no exercise "{number}"')
    return CHECKS[number]


def _stub(): ...


def _is_untouched(answer):
    """Whether an answer is still the stub that the notebook ships."""
    if answer is None or answer is Ellipsis:
        return True
    if isinstance(answer, (tuple, list, dict)):
        return 0 < len(answer) == len(_blanks(answer))
    if isinstance(answer, types.FunctionType):
        code = answer.__code__
        return code.co_code == _stub.__code__.co_code and not code.co_names
    if isinstance(answer, type):
        members = [getattr(m, "__func__", m) for m in vars(answer).values()]
        methods = [
            member
            for member in members
            if isinstance(member, types.FunctionType)
            and member.__name__ != "__init__"
        ]
        return bool(methods) and all(
            _is_untouched(method) for method in methods
        )
    return False


def _blanks(answer):
    """The names of the places of a tuple, list or dict that hold `...`."""
    if isinstance(answer, dict):
        named = [(repr(key), item) for key, item in answer.items()]
    elif isinstance(answer, (tuple, list)):
        named = [
            (f"item {place} of {len(answer)}", item)
            for place, item in enumerate(answer, start=1)
        ]
    else:
        return []
    return [name for name, item in named if item is Ellipsis]
