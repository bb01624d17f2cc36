"""The API's description and its page at `/docs`: Swagger UI from the installed package, so without another host.

The page names its files by relative addresses, as it may stand behind the prefix of a proxy.
"""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from swagger_ui_bundle import swagger_ui_path

from ndslib.nds.service.catalogue import Catalogue

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API of the dataserver</title>
<link rel="icon" href="docs/swagger/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
# Swagger UI 4 takes descriptions of version 3.0 alone. It draws what this API uses of 3.1 all the same.
_START = """fetch("openapi.json").then((answer) => answer.json()).then((api) =>
  SwaggerUIBundle({ spec: { ...api, openapi: "3.0.3" }, dom_id: "#swagger-ui", deepLinking: true }));
"""

router = APIRouter(include_in_schema=False)
swagger = StaticFiles(directory=str(swagger_ui_path))


@router.get("/docs")
async def read_docs() -> HTMLResponse:
    """The page."""
    return HTMLResponse(_PAGE)


@router.get("/docs/start.js")
async def read_start() -> Response:
    """Its script."""
    return Response(_START, media_type="text/javascript")


def specialise(api: dict[str, Any], catalogue: Catalogue) -> None:
    """Put into the API's OpenAPI description what this very index takes, and a request that it answers."""
    index, datasets = catalogue.index, catalogue.datasets.datasets
    experts = [expert.id for expert in catalogue.experts.experts]
    licences = list(dict.fromkeys(each.licence for dataset in datasets for each in dataset.licences))
    for name in ("SummaryRequest", "RecommendationRequest"):
        schema = api["components"]["schemas"][name]
        asked = schema["properties"]
        asked["scores"] |= {
            "propertyNames": {"enum": experts},
            "minProperties": index.experts,
            "maxProperties": index.experts,
        }
        asked["images"]["anyOf"][0]["maximum"] = index.limits.images
        asked["bytes"]["anyOf"][0]["maximum"] = index.bytes
        asked["datasets"]["anyOf"][0]["items"]["enum"] = [dataset.name for dataset in datasets]
        asked["licences"]["anyOf"][0]["items"] = {"enum": licences}
        schema["example"] = {"scores": dict.fromkeys(experts, 0.5), "images": min(100, index.limits.images)}
