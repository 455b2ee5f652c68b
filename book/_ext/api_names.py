"""Which names of PyTorch a notebook uses, read from its code.

The code is parsed and not run, and PyTorch need not be there. An alias is
followed to what was imported: `F.relu` is `torch.nn.functional.relu`. A method
counts where its object is known, since the notebook makes it by a call that
tells its class (`x = torch.ones(3)`, then `x.view(3)`), or where only one
class has a method of that name (`p.register_post_accumulate_grad_hook`).
"""

import ast
import re
from collections import namedtuple

LIBRARIES = ("torch", "torchvision", "torch_geometric")
TENSOR = "torch.Tensor"
MODULE = "torch.nn.Module"
OPTIMIZER = "torch.optim.Optimizer"
SCHEDULER = "torch.optim.lr_scheduler.LRScheduler"
# methods and attributes that the map knows, by the class that has them
METHODS = {
    TENSOR: """
        abs add add_ all amax amin aminmax any argmax argmin argsort
        as_subclass backward bernoulli_ bincount bool broadcast_to chunk clamp
        clamp_ clone coalesce contiguous copy_ count_nonzero cpu cummax cumsum
        data data_ptr detach detach_ device diag diagonal diff dim double dtype
        element_size exp expand expand_as expm1 exponential_ fill_
        fill_diagonal_ flatten flip float gather grad grad_fn gt half index_add
        index_put_ int is_contiguous is_floating_point is_inference is_leaf
        is_pinned isfinite isnan item layout le lerp lerp_ log log10 log1p
        log_softmax logit logsumexp long masked_fill max mean median min
        movedim mT mul_ nbytes ndim nelement new_full new_ones new_zeros
        nonzero norm normal_ numel numpy permute pow prod reciprocal
        register_hook register_post_accumulate_grad_hook relu repeat
        repeat_interleave requires_grad requires_grad_ reshape resize_
        retain_grad retains_grad roll round rsqrt scatter scatter_ scatter_add_
        shape sigmoid sign sin size softmax sort split sqrt square squeeze std
        storage_offset stride sub_ sum sum_to_size T t tanh tensor_split to
        to_dense to_sparse tolist topk trace transpose transpose_ tril triu
        type unbind unflatten unfold uniform_ unique unsqueeze unsqueeze_
        untyped_storage var view view_as zero_
    """,
    MODULE: """
        add_module apply buffers children cpu double eval float get_submodule
        half load_state_dict modules named_buffers named_children named_modules
        named_parameters parameters register_backward_hook register_buffer
        register_forward_hook register_forward_pre_hook
        register_full_backward_hook register_full_backward_pre_hook
        register_load_state_dict_pre_hook register_module register_parameter
        register_state_dict_post_hook requires_grad_ state_dict to train type
        zero_grad
    """,
    OPTIMIZER: """
        add_param_group load_state_dict register_load_state_dict_pre_hook
        register_state_dict_post_hook register_step_post_hook
        register_step_pre_hook state_dict step zero_grad
    """,
    SCHEDULER: "get_last_lr load_state_dict state_dict step",
    "torch.Generator": "get_state manual_seed set_state",
    "torch.amp.GradScaler": "get_scale scale step unscale_ update",
    "torch.autograd.function.FunctionCtx": "save_for_backward",
    "torch_geometric.data.Data": """
        has_isolated_nodes is_undirected num_edges num_node_features num_nodes
        validate
    """,
    "torch.utils.tensorboard.SummaryWriter": """
        add_audio add_custom_scalars add_embedding add_figure add_graph
        add_histogram add_hparams add_image add_images add_pr_curve add_scalar
        add_scalars add_text
    """,
}
METHODS = {owner: set(names.split()) for owner, names in METHODS.items()}
# which of these classes another one belongs to, by its name
FAMILIES = {
    r"torch\.nn\.(Parameter|Buffer)$|torchvision\.tv_tensors\.": TENSOR,
    r"torch\.optim\.(lr_scheduler\.|swa_utils\.SWALR)": SCHEDULER,
    r"torch\.optim\.swa_utils\.": MODULE,
    r"torch(_geometric)?\.nn\.(?!\w+Options$)": MODULE,
    r"torch\.optim\.": OPTIMIZER,
}
# objects of other libraries have a method of that name as well
SHARED = set(
    """
    add add_image all any apply argmax argmin argsort clone coalesce contiguous
    cpu cumsum data detach detach_ device diagonal dtype expand flatten
    has_isolated_nodes int is_floating_point is_pinned is_undirected item log
    long max mean min mT nbytes ndim nonzero num_edges num_node_features
    num_nodes numel prod register_hook register_load_state_dict_pre_hook
    register_state_dict_post_hook repeat reshape round scale scatter shape size
    sort split squeeze std sum T t tolist trace transpose type update validate
    var view
    """.split()
)
ONLY_ONE = {
    name: owner
    for owner, names in METHODS.items()
    for name in names - SHARED
    if sum(name in others for others in METHODS.values()) == 1
}
# these functions and methods give something else than a tensor
NO_TENSOR = set(
    """
    allclose aminmax autocast backward broadcast_shapes broadcast_tensors chunk
    compile cummax data_ptr device dim dtype element_size equal export finfo
    get_rng_state grad grad_fn histogram iinfo is_available is_contiguous
    is_floating_point is_inference is_leaf is_pinned item layout load
    manual_seed max median meshgrid min nbytes ndim nelement nonzero numel
    numpy promote_types register_hook register_post_accumulate_grad_hook
    requires_grad retain_grad retains_grad save set_printoptions set_rng_state
    shape size slogdet sort split storage_offset stride svd tensor_split tolist
    topk type unbind unique untyped_storage
    """.split()
)

# where a name may be imported from as well, and where it is documented
ALSO = {
    "torch.nn.utils.fusion.": "torch.nn.utils.",
    "torch.utils.data.distributed.": "torch.utils.data.",
    "torchvision.models.detection.rpn.": (
        "torchvision.models.detection.anchor_utils."
    ),
    "torchvision.models.resnet.resnet": "torchvision.models.resnet",
}

# what these variables hold in every chapter, unless the code says otherwise
VOCABULARY = {
    "model": MODULE,
    "optimizer": OPTIMIZER,
    "scheduler": SCHEDULER,
    "loss": TENSOR,
}

# what a variable holds: the very thing that a dotted name means, or an object
# of the class so called
Held = namedtuple("Held", "name is_object")


def family(name):
    """The class of `METHODS` that a class belongs to, or the class itself."""
    if name in METHODS:
        return name
    families = (f for told, f in FAMILIES.items() if re.match(told, name))
    return next(families, name)


def is_public(name):
    """Whether a dotted name is of our libraries and has no private part."""
    first, *rest = name.split(".")
    return first in LIBRARIES and not any(part[0] == "_" for part in rest)


class Names(ast.NodeVisitor):
    """The names that pieces of code use, visited one after the other.

    A visit of an expression returns what it gives, as far as that is known.

    Attributes:
        found: the names in order, with repetition.
        held: what each variable holds, {"F": Held("torch.nn.functional")}.
        classes: of what class is what a call of our own gives.
    """

    def __init__(self, before=None):
        """Start with nothing, or with what the code `before` left behind."""
        self.found = []
        self.held = dict(before.held) if before else {}
        self.classes = dict(before.classes) if before else {}
        self.own = set(before.own) if before else set()

    def read(self, source):
        """Add the names of a piece of code; what is no Python adds none."""
        try:
            tree = ast.parse(source)
        except SyntaxError:
            return
        self.visit(tree)

    def use(self, name):
        """Note a name; what belongs to no page of its own is cut off."""
        name = re.split(r"\.__|(?<=_Weights)\.", name)[0]
        for start, documented in ALSO.items():
            if name.startswith(start):
                name = documented + name[len(start) :]
        if is_public(name):
            self.found.append(name)

    def visit_Import(self, node):
        for each in node.names:
            name = each.asname or each.name.partition(".")[0]
            meant = each.name if each.asname else name
            self.held[name] = Held(meant, False)

    def visit_ImportFrom(self, node):
        for each in node.names:
            name = f"{node.module}.{each.name}"
            self.held[each.asname or each.name] = Held(name, False)

    def visit_Name(self, node):
        held = self.held.get(node.id)
        if held and not held.is_object:
            self.use(held.name)
        return held

    def visit_Attribute(self, node):
        parts, root = [node.attr], node.value
        while isinstance(root, ast.Attribute):
            parts.insert(0, root.attr)
            root = root.value
        held = self.held.get(root.id) if isinstance(root, ast.Name) else None
        if held and not held.is_object:
            name = ".".join([held.name, *parts])
            self.use(name)
            return Held(name, False)
        held = self.visit(node.value)
        owner = held and held.is_object and family(held.name)
        if owner and node.attr not in METHODS.get(owner, ()):
            return None
        if not owner and node.attr not in self.own:
            usual = VOCABULARY.get(getattr(node.value, "id", None))
            known = node.attr in METHODS.get(usual, ())
            owner = usual if known else ONLY_ONE.get(node.attr)
        if not owner:
            return None
        name = f"{owner}.{node.attr}"
        self.use(name)
        is_value = owner == TENSOR and node.attr in ("T", "mT", "data", "grad")
        return Held(TENSOR, True) if is_value else Held(name, False)

    def visit_Call(self, node):
        called = self.visit(node.func)
        for each in [*node.args, *node.keywords]:
            self.visit(each)
        if isinstance(node.func, ast.Name) and node.func.id in self.classes:
            return Held(self.classes[node.func.id], True)
        return self.made_by(called.name) if called else None

    def made_by(self, name):
        """What a call of a function, a method or a class gives."""
        owner, _, last = name.rpartition(".")
        if owner.startswith("torchvision.models") and last.islower():
            return Held(MODULE, True)
        if last[:1].isupper() and is_public(name):
            return Held(name, True)
        if owner == MODULE and last in ("to", "eval", "train", "float"):
            return Held(MODULE, True)
        tensors = (TENSOR, "torch", "torch.nn.functional", "torch.linalg")
        if owner in tensors and last not in NO_TENSOR:
            return Held(TENSOR, True)
        return None

    def visit_BinOp(self, node):
        sides = [self.visit(node.left), self.visit(node.right)]
        return next((s for s in sides if s == Held(TENSOR, True)), None)

    def visit_UnaryOp(self, node):
        return self.visit(node.operand)

    def visit_Compare(self, node):
        sides = [self.visit(each) for each in [node.left, *node.comparators]]
        return next((s for s in sides if s == Held(TENSOR, True)), None)

    def visit_Subscript(self, node):
        self.visit(node.slice)
        held = self.visit(node.value)
        return held if held == Held(TENSOR, True) else None

    def bind(self, target, held):
        """Remember what a variable holds from now on."""
        for each in ast.walk(target):
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
                self.held.pop(each.id, None)
        if isinstance(target, ast.Name) and held:
            self.held[target.id] = held

    def visit_Assign(self, node):
        held = self.visit(node.value)
        for target in node.targets:
            if isinstance(target, ast.Attribute):
                self.own.add(target.attr)
            if not isinstance(target, ast.Name):
                self.visit(target)
            self.bind(target, held)

    def visit_For(self, node):
        self.visit(node.iter)
        self.bind(node.target, None)
        for each in [*node.body, *node.orelse]:
            self.visit(each)

    def visit_comprehension(self, node):
        self.visit(node.iter)
        self.bind(node.target, None)
        for each in node.ifs:
            self.visit(each)

    def visit_ListComp(self, node):
        outside = dict(self.held)
        for each in node.generators:
            self.visit(each)
        for each in ("key", "value", "elt"):
            if hasattr(node, each):
                self.visit(getattr(node, each))
        self.held = outside

    visit_SetComp = visit_GeneratorExp = visit_DictComp = visit_ListComp

    def visit_With(self, node):
        for each in node.items:
            held = self.visit(each.context_expr)
            if each.optional_vars:
                self.bind(each.optional_vars, held)
        for each in node.body:
            self.visit(each)

    def visit_scope(self, node):
        outside = dict(self.held)
        self.generic_visit(node)
        self.held = outside

    visit_Lambda = visit_scope

    def visit_arg(self, node):
        if node.annotation:
            self.visit(node.annotation)
        self.held.pop(node.arg, None)

    def visit_Return(self, node):
        self.given = self.visit(node.value) if node.value else None

    def visit_FunctionDef(self, node):
        self.given = None
        self.visit_scope(node)
        self.held.pop(node.name, None)
        self.classes.pop(node.name, None)
        if self.given and self.given.is_object:
            self.classes[node.name] = self.given.name

    def visit_ClassDef(self, node):
        bases = [self.visit(each) for each in node.bases]
        self.own |= {f.name for f in node.body if hasattr(f, "name")}
        self.visit_scope(ast.Module(node.body, []))
        self.held.pop(node.name, None)
        if bases and bases[0]:
            self.classes[node.name] = bases[0].name
