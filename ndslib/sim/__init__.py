"""The simulator: a batched rasteriser in torch, procedural objects and materials, and Task2Sim's eight parameters."""

from ndslib.sim.folder import FolderLibrary
from ndslib.sim.library import Library, ProceduralLibrary, Variety
from ndslib.sim.mitsuba import MitsubaSimulator
from ndslib.sim.parameters import PARAMETERS, Parameter
from ndslib.sim.renderer import Render, render
from ndslib.sim.scene import Placement, Scene, SceneBatch, batch
from ndslib.sim.simulator import Simulator, TorchSimulator

__all__ = [
    "PARAMETERS",
    "FolderLibrary",
    "Library",
    "MitsubaSimulator",
    "Parameter",
    "Placement",
    "ProceduralLibrary",
    "Render",
    "Scene",
    "SceneBatch",
    "Simulator",
    "TorchSimulator",
    "Variety",
    "batch",
    "render",
]
