"""Simple mutants of Python source: one small change each.

mutmut and cosmic-ray, the known tools, change files of a package and run its
whole test suite for each mutant; here the code stands in notebook cells, a
mutant is judged in milliseconds by its own check, and the slips that matter
are those of tensor code (an axis, a reduction, a missing `detach`). The
operators on numbers, signs, comparisons and statements are the usual ones of
those tools.
"""

import ast
from collections import Counter
from dataclasses import dataclass

BINARY = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.FloorDiv: "/",
    ast.Mod: "//",
    ast.Pow: "*",
    ast.BitAnd: "|",
    ast.BitOr: "&",
}
COMPARE = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
PAIRS = [  # names that are easily taken for one another
    ("mean", "sum"),
    ("max", "min"),
    ("argmax", "argmin"),
    ("amax", "amin"),
    ("cummax", "cummin"),
    ("maximum", "minimum"),
    ("any", "all"),
    ("zeros", "ones"),
    ("zeros_like", "ones_like"),
    ("floor", "ceil"),
    ("exp", "expm1"),
    ("log", "log1p"),
    ("softmax", "log_softmax"),
    ("sigmoid", "tanh"),
    ("std", "var"),
    ("cat", "stack"),
    ("rand", "randn"),
    ("parameters", "buffers"),
    ("train", "eval"),
    ("append", "extend"),
]
OTHER = {a: b for pair in PAIRS for a, b in (pair, pair[::-1])}
# calls whose first two arguments may change places
SYMMETRIC = {
    *("add", "allclose", "assert_close", "equal", "isclose", "isinstance"),
    *("max", "maximum", "min", "minimum", "mul", "swapaxes", "transpose"),
    "zip",
}
GRAD_OFF = {"no_grad", "inference_mode"}
# methods whose call without arguments can be forgotten
FORGOTTEN = {
    *("abs", "clone", "contiguous", "copy", "cpu", "detach", "double"),
    *("exp", "float", "item", "log", "long", "mean", "neg", "sigmoid"),
    *("softmax", "sqrt", "square", "squeeze", "strip", "sum", "t", "tanh"),
    *("tolist", "flatten", "relu", "conj", "lower", "bool", "int"),
}


@dataclass(frozen=True)
class Mutant:
    """A changed source.

    Attributes:
        name: the lines that differ, before and after, to tell it by.
        source: the whole changed source.
    """

    name: str
    source: str


def mutants(source):
    """All simple mutants of a source, in the order of its lines.

    Args:
        source: Python source that compiles.

    Returns:
        A list of `Mutant`, each different from the source and the others.
    """
    starts, total = [], 0
    for line in source.splitlines(keepends=True):
        starts.append(total)
        total += len(line.encode())
    code = source.encode()

    def span(node):
        return (
            starts[node.lineno - 1] + node.col_offset,
            starts[node.end_lineno - 1] + node.end_col_offset,
        )

    made, names = {}, Counter()
    for begin, end, text in sorted(_changes(ast.parse(source), span, code)):
        changed = (code[:begin] + text.encode() + code[end:]).decode()
        if changed == source or changed in made:
            continue
        try:
            if ast.dump(ast.parse(changed)) == ast.dump(ast.parse(source)):
                continue
        except SyntaxError:
            continue
        name = _name(source, changed)
        names[name] += 1
        if names[name] > 1:  # the same change of the same line elsewhere
            name = f"{name} ({names[name]})"
        made[changed] = Mutant(name, changed)
    return list(made.values())


def _name(source, changed):
    """The lines that differ: "before => after", blanks folded."""
    before, after = source.splitlines(), changed.splitlines()
    while before and after and before[0] == after[0]:
        before, after = before[1:], after[1:]
    while before and after and before[-1] == after[-1]:
        before, after = before[:-1], after[:-1]
    before, after = (
        " ".join(" ".join(lines).split()) for lines in (before, after)
    )
    return f"{before} => {after}"


def _changes(tree, span, code):
    """All replacements: (begin, end, new text), in bytes of the source."""

    def text(node):
        begin, end = span(node)
        return code[begin:end].decode()

    kept = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "strict"
    }
    kept |= {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        and ast.get_docstring(node) is not None
    }
    for node in ast.walk(tree):
        if id(node) in kept:
            continue
        for old, new in _of(node, text):
            yield (*span(old), new)
        yield from _operators(node, span, code)
        yield from _decorators(node, span, code)


def _of(node, text):
    """Replacements of nodes by text: (node, new text)."""
    match node:
        case ast.Constant(value=bool() as value):
            yield node, str(not value)
        case ast.Constant(value=int() as value):
            yield node, str(value + 1)
            if value > 0:
                yield node, str(value - 1)
        case ast.Constant(value=float() as value):
            yield node, repr(value * 1.5 if value else 0.5)
        case ast.Constant(value=str() as value) if value in OTHER:
            yield node, repr(OTHER[value])
        case ast.UnaryOp(op=ast.USub() | ast.Not() | ast.Invert()):
            yield node, f"({text(node.operand)})"
        case ast.BoolOp():
            for value in node.values:
                yield node, f"({text(value)})"
        case ast.If() | ast.IfExp() | ast.While():
            yield node.test, f"(not ({text(node.test)}))"
        case ast.comprehension(ifs=[_, *_]):
            for test in node.ifs:
                yield test, "True"
        case ast.AugAssign():
            yield node, "pass"
        case ast.Expr(value=ast.Call()):
            yield node, "pass"
        case ast.Break():
            yield node, "continue"
        case ast.Continue():
            yield node, "break"
        case ast.Slice():
            yield from _slices(node)
        case ast.Return(value=ast.expr() as value):
            if isinstance(value, ast.Tuple) and len(value.elts) == 2:
                first, second = map(text, value.elts)
                yield value, f"{second}, {first}"
        case ast.With(items=[ast.withitem(context_expr=ast.Call() as call)]):
            if getattr(call.func, "attr", "") in GRAD_OFF:
                yield call, "torch.enable_grad()"
        case ast.Call():
            yield from _calls(node, text)
    if isinstance(node, ast.Attribute | ast.Name):
        yield from _names(node, text)


def _slices(node):
    """One border or the step left out, or a border moved by one."""
    for border in (node.lower, node.upper):
        if border is not None and not isinstance(border, ast.Constant):
            yield border, f"({ast.unparse(border)}) + 1"
    for part in (node.lower, node.upper):
        if part is not None:
            yield part, ""


def _calls(node, text):
    """Arguments dropped or swapped, a call forgotten, a range off by one."""
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if (
        isinstance(node.func, ast.Attribute)
        and not node.args
        and not node.keywords
        and name in FORGOTTEN
    ):
        yield node, text(node.func.value)
    arguments = [text(a) for a in node.args]
    keywords = [
        f"{k.arg}={text(k.value)}" if k.arg else f"**{text(k.value)}"
        for k in node.keywords
    ]
    if any(isinstance(a, ast.GeneratorExp) for a in node.args):
        return
    function = text(node.func)
    for index in range(len(keywords)):
        if node.keywords[index].arg == "strict":  # of zip: a safety net
            continue
        kept = arguments + keywords[:index] + keywords[index + 1 :]
        yield node, f"{function}({', '.join(kept)})"
    if arguments and len(arguments) + len(keywords) > 1:
        kept = arguments[:-1] + keywords
        yield node, f"{function}({', '.join(kept)})"
    if len(arguments) >= 2 and name not in SYMMETRIC:
        swapped = [arguments[1], arguments[0], *arguments[2:], *keywords]
        yield node, f"{function}({', '.join(swapped)})"
    if name == "range" and arguments:
        last = f"{arguments[-1]} - 1"
        yield node, f"range({', '.join([*arguments[:-1], last])})"


def _names(node, text):
    """A name taken for another, in place or not."""
    if isinstance(node, ast.Attribute):
        before, name = f"{text(node.value)}.", node.attr
    else:
        before, name = "", node.id
    if name in OTHER and (before or name in {"max", "min", "any", "all"}):
        yield node, before + OTHER[name]
    if before and name.endswith("_") and not name.startswith("_"):
        yield node, before + name[:-1]


def _operators(node, span, code):
    """Operators replaced, at the place between their operands."""
    gaps = []
    if isinstance(node, ast.BinOp) and type(node.op) in BINARY:
        gaps = [(node.left, node.right, BINARY[type(node.op)])]
    elif isinstance(node, ast.AugAssign) and type(node.op) in BINARY:
        new = BINARY[type(node.op)]
        gaps = [(node.target, node.value, f"{new}=")]
    elif isinstance(node, ast.Compare):
        values = [node.left, *node.comparators]
        gaps = [
            (values[i], values[i + 1], COMPARE[type(op)])
            for i, op in enumerate(node.ops)
        ]
    elif isinstance(node, ast.BoolOp):
        new = "or" if isinstance(node.op, ast.And) else "and"
        gaps = [
            (a, b, new)
            for a, b in zip(node.values, node.values[1:], strict=False)
        ]
    for left, right, new in gaps:
        begin, end = span(left)[1], span(right)[0]
        between = code[begin:end].decode()
        operator = between.strip("() \n\t").split("#")[0].strip("() \n\t")
        if operator and between.count(operator) == 1:
            yield begin, end, between.replace(operator, f" {new} ")


def _decorators(node, span, code):
    """A decorator left out, with the @ before it."""
    for decorator in getattr(node, "decorator_list", []):
        begin, end = span(decorator)
        begin = code.rindex(b"@", 0, begin)
        end = code.index(b"\n", end) + 1
        indent = (
            code.rindex(b"\n", 0, begin) + 1 if b"\n" in code[:begin] else 0
        )
        yield indent, end, ""
