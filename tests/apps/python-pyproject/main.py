from greeter import GREETING
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def home(request: Request) -> PlainTextResponse:
    return PlainTextResponse(GREETING)


app = Starlette(routes=[Route("/", home)])
