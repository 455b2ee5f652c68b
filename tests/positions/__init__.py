"""Positions of the live figures, and the numbers that torch gives for each.

A module here belongs to the figure of the same name. `POSITIONS` are ten or
more: what each control is set to, a button's label with how often it is
pressed, or a handle's name with the place in the figure to which it is
dragged. `numbers(position)` computes with torch what the figure must show.
"""
