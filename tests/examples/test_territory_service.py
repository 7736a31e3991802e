"""The service of examples/, over real HTTP on this machine, with several clients at once."""

import importlib.util
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

fastapi = pytest.importorskip("fastapi", reason="fastapi is in the extra examples")
httpx = pytest.importorskip("httpx", reason="httpx is in the extra examples")
uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is in the extra examples")


@pytest.fixture(scope="module")
def service(root):
    spec = importlib.util.spec_from_file_location("territory_service", root / "examples/territory_service.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def client(service):
    """Serve a fresh router on a free port while a test runs."""
    app = service.make_app(service.small_world())
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as one:
        yield one
    server.should_exit = True
    thread.join()


def lead(name, **fields):
    return {"lead_id": name, "value": 900, "ties": [{"person_id": 20, "weight": 1.0}], **fields}


def test_a_lead_gets_an_owner_runners_up_and_a_reason(client):
    answer = client.post("/leads", json=lead("a"))
    assert answer.status_code == 200
    decision = answer.json()
    assert decision["rep_id"] in range(5)
    assert decision["reason"] in ("closest", "next closest")
    assert len(decision["runners_up"]) == 3


def test_the_same_lead_again_is_the_same_answer_and_counts_once(client):
    answers = [client.post("/leads", json=lead("a")) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert client.get("/").json()["n_committed"] == 1


def test_the_same_id_with_other_content_is_a_409(client):
    client.post("/leads", json=lead("a"))
    answer = client.post("/leads", json=lead("a", value=901))
    assert answer.status_code == 409
    assert [fault["path"] for fault in answer.json()["problems"]] == ["$.value"]


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        (json.dumps(lead("a", value=-1, workload="x")), ["$.value", "$.workload"]),
        (json.dumps(lead("a", segmnt="retail")), ["$"]),
        (json.dumps({"lead_id": "a", "person_id": "nobody"}), ["$.person_id"]),
        ('{"lead_id": "a", "value": NaN}', ["$.value"]),
        ("{", ["$"]),
        ("[]", ["$"]),
        ("", ["$"]),
    ],
)
def test_a_faulty_lead_is_a_422_with_paths_and_without_values(client, body, paths):
    answer = client.post("/leads", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert [fault["path"] for fault in answer.json()["problems"]] == paths
    assert set(answer.json()["problems"][0]) == {"path", "message", "rows", "hint"}
    assert client.get("/").json()["n_committed"] == 0


def test_a_preview_counts_nothing(client):
    answer = client.post("/leads/preview", json=lead("a"))
    assert answer.json()["rep_id"] == client.post("/leads", json=lead("a")).json()["rep_id"]
    assert client.get("/").json()["n_committed"] == 1


def test_a_snapshot_put_back_goes_on_where_it_stood(client):
    client.post("/leads", json=lead("a"))
    saved = client.get("/snapshot")
    later = client.post("/leads", json=lead("b")).json()
    answer = client.put("/snapshot", json=saved.json())
    assert answer.json() == {"tag": saved.headers["etag"].strip('"'), "n_committed": 1}
    assert client.post("/leads", json=lead("b")).json() == later


def test_a_snapshot_that_was_altered_is_a_422_and_one_too_late_a_409(client):
    saved = client.get("/snapshot")
    altered = saved.json()
    altered["n_leads"] = 7
    assert client.put("/snapshot", json=altered).status_code == 422
    assert client.put("/snapshot", json=[]).status_code == 422
    client.post("/leads", json=lead("a"))
    late = client.put("/snapshot", json=saved.json(), headers={"If-Match": saved.headers["etag"]})
    assert late.status_code == 409
    assert client.get("/").json()["n_committed"] == 1


def test_clients_at_once_lose_and_double_no_lead(client):
    names = [f"lead-{k}" for k in range(40)]

    def send(name):
        return client.post("/leads", json=lead(name)).json()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, [*names, *names]))
    assert answers[:40] == answers[40:]
    assert client.get("/").json()["n_committed"] == 40
    committed = client.get("/snapshot").json()["committed"]
    assert sorted(row["lead_id"] for row in committed) == sorted(names)
    assert len({row["router_tag"] for row in committed}) == 40
    assert all(row["load"] <= row["capacity"] for row in client.get("/reps").json())


def test_the_openapi_page_tells_bodies_and_answers(client):
    told = client.get("/openapi.json").json()
    post = told["paths"]["/leads"]["post"]
    assert set(post["responses"]) >= {"200", "409", "422"}
    assert "lead_id" in post["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert client.get("/docs").status_code == 200
