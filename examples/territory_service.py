"""A small service around a router: leads come over HTTP, one by one, and get an owner.

    pip install "salesops[examples]"
    python examples/territory_service.py            # starts on a free port, shows itself at work, and stops
    uvicorn examples.territory_service:app          # serves; /docs is its OpenAPI page

The router is a frozen value. The service holds one reference to the newest of them, and a lead is committed
by compare-and-swap: a decision counts only if the router that made it is still the newest, else the lead is
routed again. A lead that is sent twice gets the same answer twice and counts once.
"""

import threading
from contextlib import suppress
from typing import Annotated, Any

from fastapi import FastAPI, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from salesops import Infeasible, InvalidInput, Problem, datasets, territory

Id = str | int


class Candidate(BaseModel):
    """A rep who is near a lead."""

    rep_id: Id
    proximity: float = Field(ge=0)


class Tie(BaseModel):
    """Somebody whom the lead knows."""

    person_id: Id
    weight: float = Field(gt=0)


class LeadIn(BaseModel):
    """A lead, and in one of three ways who is near: candidates, ties, or somebody known."""

    model_config = ConfigDict(extra="forbid")
    lead_id: Id
    value: float = Field(default=1.0, ge=0)
    workload: float = Field(default=1.0, ge=0)
    requires: list[str] | None = None
    candidates: list[Candidate] | None = None
    ties: list[Tie] | None = None
    person_id: Id | None = None


class RunnerUpOut(BaseModel):
    """A rep who had room and offered less."""

    rep_id: Id
    score: float
    price: float
    difference: float


class DecisionOut(BaseModel):
    """Where a lead goes, and why."""

    lead_id: Id
    rep_id: Id | None
    score: float
    price: float
    reason: str
    closest: Id | None
    obstacle: str | None
    runners_up: list[RunnerUpOut]
    n_between: int | None
    introduction: str | None
    source: str | None
    router_tag: str


class FaultOut(BaseModel):
    """One fault of a request: where, and which rule it breaks. No value of the request is repeated."""

    path: str
    message: str
    rows: list[Any]
    hint: str | None


class ErrorOut(BaseModel):
    """Every fault of a request."""

    kind: str
    message: str
    problems: list[FaultOut]


class StatusOut(BaseModel):
    """What the service stands at."""

    tag: str
    n_committed: int


class Desk:
    """The newest router, and the one way to replace it."""

    def __init__(self, router: territory.Router) -> None:
        self._router = router
        self._lock = threading.Lock()

    @property
    def router(self) -> territory.Router:
        return self._router

    def swap(self, seen: territory.Router, new: territory.Router) -> bool:
        """Put a new router in place if the newest is still the one that was seen."""
        with self._lock:
            if self._router is not seen:
                return False
            self._router = new
            return True

    def take(self, lead: bytes) -> territory.Decision:
        """Route a lead and commit it; again if another lead came in between."""
        while True:
            seen = self._router
            decision = seen.route(lead)
            if self.swap(seen, seen.commit(decision)):
                return decision


def told(error: InvalidInput | Infeasible, status: int) -> JSONResponse:
    """Answer with every fault, without a value of the request."""
    return JSONResponse(error.to_dict(redact=True), status_code=status)


def is_conflict(error: InvalidInput) -> bool:
    """Tell a lead that contradicts what is committed from one that is faulty by itself."""
    return all(fault.message == "differs from what was committed under this id" for fault in error.problems)


FAULTY: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorOut, "description": "It contradicts what is committed"},
    422: {"model": ErrorOut, "description": "It is faulty by itself"},
}


LEAD_BODY = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": LeadIn.model_json_schema()}}}
}


def make_app(router: territory.Router) -> FastAPI:
    """Make the service around a router."""
    desk = Desk(router)
    app = FastAPI(title="Territory router", version="1", description=str(__doc__).splitlines()[0])

    @app.exception_handler(InvalidInput)
    def _invalid(_: Request, error: InvalidInput) -> JSONResponse:
        return told(error, 409 if is_conflict(error) else 422)

    @app.exception_handler(Infeasible)
    def _infeasible(_: Request, error: Infeasible) -> JSONResponse:
        return told(error, 409)

    @app.exception_handler(RequestValidationError)
    def _unreadable(_: Request, error: RequestValidationError) -> JSONResponse:
        faults = [
            Problem(path="$" + "".join(f".{part}" for part in fault["loc"][1:]), message=fault["msg"])
            for fault in error.errors()
        ]
        return told(InvalidInput("the body cannot be read", faults), 422)

    @app.get("/")
    def status() -> StatusOut:
        """Say which router decides now."""
        return StatusOut(tag=desk.router.tag, n_committed=desk.router.n_committed)

    # The router reads the text itself, so that every fault has one path, one rule and one wording.
    @app.post("/leads", responses=FAULTY, response_model=DecisionOut, openapi_extra=LEAD_BODY)
    async def route(request: Request) -> dict[str, Any]:
        """Give a lead to a rep, once: the same lead again gets the same answer."""
        decision = await run_in_threadpool(desk.take, await request.body())
        return decision.to_dict()

    @app.post("/leads/preview", responses=FAULTY, response_model=DecisionOut, openapi_extra=LEAD_BODY)
    async def preview(request: Request) -> dict[str, Any]:
        """Say who would get a lead, and count nothing."""
        return desk.router.route(await request.body()).to_dict()

    @app.get("/reps")
    def reps() -> list[dict[str, Any]]:
        """Say what each rep has, and her limits; no limit is null."""
        frame = desk.router.loads().astype(object)
        return frame.where(frame != float("inf"), None).to_dict(orient="records")

    @app.get("/snapshot")
    def snapshot(response: Response) -> dict[str, Any]:
        """Give the router as a document; its tag is the ETag."""
        seen = desk.router
        response.headers["ETag"] = f'"{seen.tag}"'
        return seen.to_dict(people=True)

    @app.put("/snapshot", responses=FAULTY)
    def restore(document: dict[str, Any], if_match: Annotated[str | None, Header()] = None) -> StatusOut:
        """Put a snapshot in place; with If-Match only if that router still decides."""
        seen = desk.router
        new = territory.Router.from_dict(document)
        if (if_match is not None and if_match.strip('"') != seen.tag) or not desk.swap(seen, new):
            raise Infeasible("another router decides by now")
        return StatusOut(tag=new.tag, n_committed=new.n_committed)

    return app


def small_world() -> territory.Router:
    """Make a router to try: a seeded world of 200 leads and 5 reps, with room for what comes."""
    world = datasets.make_territory(n_leads=200, n_reps=5, rng=7)
    graph = territory.SocialGraph.from_ties(world.ties)
    reps = world.reps.assign(capacity=60)
    people = territory.proximity(graph, reps, {"lead_id": graph.people})
    near = territory.proximity(graph, reps, world.leads)
    plan = territory.assign(reps, world.leads, near, balance={"value": 0.2})
    return plan.router(expected=50, people=people)


app = make_app(small_world())


def demonstrate() -> None:
    """Serve on a free port of this machine, send a few leads, print the answers, and stop."""
    import httpx
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    with suppress(KeyboardInterrupt), httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        ties = [{"person_id": 20, "weight": 2.0}, {"person_id": 31, "weight": 0.5}]
        lead = {"lead_id": "acme", "value": 1800, "ties": ties}
        first = client.post("/leads", json=lead).json()
        print(f"acme goes to rep {first['rep_id']}: {first['reason']}, introduction {first['introduction']}")
        again = client.post("/leads", json=lead)
        print(f"the same lead again: {again.status_code}, same answer {again.json() == first}")
        changed = client.post("/leads", json={**lead, "value": 2500})
        print(f"the same id, another value: {changed.status_code}, {changed.json()['problems'][0]['path']}")
        faulty = client.post("/leads", json={"lead_id": "bolt", "value": -3, "person_id": "nobody"})
        print(f"a faulty lead: {faulty.status_code}, {[p['path'] for p in faulty.json()['problems']]}")
        saved = client.get("/snapshot")
        print(f"snapshot {saved.headers['etag']} with {len(saved.json()['committed'])} lead committed")
    server.should_exit = True
    thread.join()


if __name__ == "__main__":
    demonstrate()
