"""Wrong answers to the exercises of chapter 7, each with its hint."""

import torch
from tensorboard.backend.event_processing.event_accumulator import (
    EventAccumulator,
)
from torch import nn


def watch_no_handle(t, seen):
    t.register_hook(seen.append)


def watch_changes(t, seen):
    def hook(grad):
        seen.append(grad)
        return 2 * grad

    return t.register_hook(hook)


def watch_double(t, seen):
    return t.register_hook(lambda grad: seen.append(2 * grad))


def limit_no_return(model, limit):
    def hook(grad):
        grad.clamp(-limit, limit)

    return [p.register_hook(hook) for p in model.parameters()]


def limit_weights(model, limit):
    return [
        p.register_hook(lambda grad: grad.clamp(-limit, limit))
        for p in model.parameters()
        if p.ndim > 1
    ]


def limit_norm(model, limit):
    def hook(grad):
        return grad * min(1.0, limit / grad.norm().item())

    return [p.register_hook(hook) for p in model.parameters()]


def shapes_all(model, X):
    found = {}
    for name, module in model.named_modules():
        module.register_forward_hook(
            lambda m, a, out, name=name: found.update({name: tuple(out.shape)})
        )
    model(X)
    return found


def shapes_left(model, X):
    found = {}
    for name, module in model.named_modules():
        if not list(module.children()):
            module.register_forward_hook(
                lambda m, a, out, name=name: found.update(
                    {name: tuple(out.shape)}
                )
            )
    model(X)
    return found


def shapes_late(model, X):
    found, handles = {}, []
    for name, module in model.named_modules():
        if not list(module.children()):
            handles.append(
                module.register_forward_hook(
                    lambda m, a, out: found.update({name: tuple(out.shape)})  # noqa: B023
                )
            )
    model(X)
    for handle in handles:
        handle.remove()
    return found


def linear_transposed(X, W, G):
    return G @ W, X.T @ G, G.sum(0)


def linear_mean(X, W, G):
    return G @ W, G.T @ X, G.mean(0)


def linear_as_weight(X, W, G):
    return G, G.T @ X, G.sum(0)


class RecordNoRemove:
    def __init__(self, module):
        self.module = module

    def __enter__(self):
        outputs = []
        self.module.register_forward_hook(
            lambda m, a, out: outputs.append(out.detach().clone())
        )
        return outputs

    def __exit__(self, *error):
        pass


class RecordNoClone:
    def __init__(self, module):
        self.module = module

    def __enter__(self):
        outputs = []
        self.handle = self.module.register_forward_hook(
            lambda m, a, out: outputs.append(out.detach())
        )
        return outputs

    def __exit__(self, *error):
        self.handle.remove()


class RecordSwallows:
    def __init__(self, module):
        self.module = module

    def __enter__(self):
        outputs = []
        self.handle = self.module.register_forward_hook(
            lambda m, a, out: outputs.append(out.detach().clone())
        )
        return outputs

    def __exit__(self, *error):
        self.handle.remove()
        return True


class RecordEarly(RecordSwallows):
    def __init__(self, module):
        self.outputs = []
        self.handle = module.register_forward_hook(
            lambda m, a, out: self.outputs.append(out.detach().clone())
        )

    def __enter__(self):
        return self.outputs


def defaults_win(module, **defaults):
    return module.register_forward_pre_hook(
        lambda m, args, kwargs: (args, kwargs | defaults), with_kwargs=True
    )


def defaults_remember(module, **defaults):
    def hook(m, args, kwargs):
        defaults.update(kwargs)
        return args, dict(defaults)

    return module.register_forward_pre_hook(hook, with_kwargs=True)


def defaults_no_handle(module, **defaults):
    module.register_forward_pre_hook(
        lambda m, args, kwargs: (args, defaults | kwargs), with_kwargs=True
    )


def _dead(measure):
    def shares(model, X):
        found = {}
        for name, module in model.named_modules():
            if isinstance(module, nn.ReLU):
                module.register_forward_hook(
                    lambda m, a, out, name=name: found.update(
                        {name: measure(out).item()}
                    )
                )
        model(X)
        return found

    return shares


dead_zeros = _dead(lambda out: (out == 0).float().mean())
dead_places = _dead(lambda out: (out == 0).all(0).float().mean())
dead_left = _dead(
    lambda out: (out.transpose(0, 1).flatten(1) == 0).all(1).float().mean()
)


def dead_first_example(model, X):
    return dead_left(model, X[:1])


def best_sampled(folder, tag):
    events = EventAccumulator(str(folder)).Reload().Scalars(tag)
    return min(events, key=lambda event: event.value).step


def best_value(folder, tag):
    reader = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    return min(event.value for event in reader.Reload().Scalars(tag))


def best_position(folder, tag):
    reader = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    values = [event.value for event in reader.Reload().Scalars(tag)]
    return values.index(min(values))


def fuse_shared(model, lr, momentum):
    state = {}

    @torch.no_grad()
    def step(p):
        key = p.shape
        v = momentum * state.get("v", {}).get(key, 0.0) + p.grad
        p -= lr * v
        p.grad = None

    for p in model.parameters():
        p.register_post_accumulate_grad_hook(step)


def fuse_keeps(model, lr, momentum):
    @torch.no_grad()
    def step(p):
        p -= lr * p.grad

    for p in model.parameters():
        p.register_post_accumulate_grad_hook(step)


def fuse_average(model, lr, momentum):
    velocity = {}

    @torch.no_grad()
    def step(p):
        v = momentum * velocity.get(p, 0.0) + (1 - momentum) * p.grad
        velocity[p] = v
        p -= lr * v
        p.grad = None

    for p in model.parameters():
        p.register_post_accumulate_grad_hook(step)


def _integrate(model, X, start, target, steps, offset=0.5, origin=True):
    total = torch.zeros_like(X)
    base = start if origin else 0 * start
    for k in range(steps):
        point = base + (k + offset) / steps * (X - base)
        point = point.detach().requires_grad_()
        score = model(point).gather(1, target[:, None]).sum()
        total += torch.autograd.grad(score, point)[0]
    return (X - base) * total / steps


def integrate_from_zero(model, X, start, target, steps):
    return _integrate(model, X, start, target, steps, origin=False)


def integrate_left(model, X, start, target, steps):
    return _integrate(model, X, start, target, 50 * steps, offset=0.0)


def integrate_backward(model, X, start, target, steps):
    total = torch.zeros_like(X)
    for k in range(steps):
        point = start + (k + 0.5) / steps * (X - start)
        point.requires_grad_()
        model(point).gather(1, target[:, None]).sum().backward()
        total += point.grad
    return (X - start) * total / steps


def explain_overwritten(model, layer, X, target):
    seen = {}

    def keep(module, args, output):
        seen["A"] = output
        output.register_hook(lambda grad: seen.update(grad=grad))

    with model.get_submodule(layer).register_forward_hook(keep):
        score = model(X).gather(1, target[:, None]).sum()
    parameters = list(model.parameters())
    torch.autograd.grad(score, parameters)
    alpha = seen["grad"].mean((2, 3), keepdim=True)
    return (alpha * seen["A"]).sum(1).clamp(min=0).detach()


def _explain(clip=True, grads=False):
    def explain(model, layer, X, target):
        seen = []

        def keep(module, args, output):
            seen.append(output)
            return output.clone()

        with model.get_submodule(layer).register_forward_hook(keep):
            score = model(X).gather(1, target[:, None]).sum()
        (grad,) = torch.autograd.grad(score, seen[0], retain_graph=True)
        if grads:
            score.backward()
        maps = (grad.mean((2, 3), keepdim=True) * seen[0]).sum(1).detach()
        return maps.clamp(min=0) if clip else maps

    return explain


def explain_mean_logit(model, layer, X, target):
    return _explain()(model, layer, X, 0 * target)


WRONG = {
    "7.1": [
        (watch_no_handle, "return the handle"),
        (watch_changes, "what does the hook return?"),
        (watch_double, "the gradient itself"),
    ],
    "7.2": [
        ((15, 6), "only one of them passes the hook"),
        ((5, 2), "without the hook"),
        ((9, 2), "before the hook"),
        (9, "two numbers"),
    ],
    "7.3": [
        (limit_no_return, "has to return"),
        (limit_weights, "biases are parameters"),
        (limit_norm, "every number by itself"),
    ],
    "7.4": [
        (shapes_all, "without children"),
        (shapes_left, "left behind"),
        (shapes_late, "full names"),
    ],
    "7.5": [
        (linear_transposed, "the shape of W"),
        (linear_mean, "sum, do not average"),
        (linear_as_weight, "the shape of the input"),
    ],
    "7.6": [
        (RecordNoRemove, "hook should be gone"),
        (RecordNoClone, "clone the outputs"),
        (RecordSwallows, "should reach the caller"),
        (RecordEarly, "before the block"),
    ],
    "7.7": [
        (defaults_win, "should win over"),
        (defaults_remember, "change from call to call"),
        (defaults_no_handle, "return the handle"),
    ],
    "7.8": [
        (dead_zeros, "not single zeros"),
        (dead_places, "whole channels"),
        (dead_left, "left behind"),
        (dead_first_example, "one example"),
    ],
    "7.9": [
        (best_sampled, "keeps a sample"),
        (best_value, "not the value"),
        (best_position, "do not count"),
    ],
    "7.10": [
        (fuse_shared, "remember its v"),
        (fuse_keeps, "left after backward"),
        (fuse_average, "first step"),
    ],
    "7.11": [
        (integrate_from_zero, "add up to the rise"),
        (integrate_left, "half way"),
        (integrate_backward, "own gradients"),
    ],
    "7.12": [
        (explain_overwritten, "after the in-place ReLU"),
        (_explain(clip=False), "clipped at 0"),
        (_explain(grads=True), "own gradients"),
        (explain_mean_logit, "weight each map"),
    ],
}
