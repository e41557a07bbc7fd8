"""How requests that schemathesis makes up become requests of a tenant's owner.

Every request comes from an address of its own, so that the limits on callers stay as they are and stand in nobody's way.
With SCHEMATHESIS_AS=owner a request shows the token of a tenant that is really there: requests about `alice` are about
that tenant, and once it is being deleted, another one takes its place. What is the operator's shows SCHEMATHESIS_ACCESS.
"""

import itertools
import os

import requests
import schemathesis

EXAMPLE_NAME = "alice"
EXAMPLE_TOKEN_ID = "tok_5f2b8c1d9e3a7460"
EXAMPLE_KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"

numbers = itertools.count(1)


def next_address():
    number = next(numbers)
    return f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::1"


# Rules that no schema can say: a checksum, how many characters differ, what was sent before, what there is now, and what goes
# with something else only.
UNSAID_CODES = {"idempotency_key_malformed", "idempotency_key_reused", "precondition_failed"}
UNSAID_POINTERS = {"/invite", "?cursor", "?target", "/release", "/grace_days"}


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Whether it is one: what is refused by such a rule is no request that should have been taken."""
    if type(failure).__name__ != "RejectedPositiveData":
        return True
    problem = response.json()
    pointers = {error["pointer"] for error in problem.get("errors", [])}
    return not (problem["code"] in UNSAID_CODES or (pointers and pointers <= UNSAID_POINTERS))


@schemathesis.hook
def before_call(context, case, kwargs):
    case.headers = {**(case.headers or {}), "CF-Connecting-IP": next_address()}
    # A key that was used before would only have the answer of then.
    if case.headers.get("Idempotency-Key") == EXAMPLE_KEY:
        case.headers["Idempotency-Key"] = f"8e03978e-40d5-43dd-bc93-{next(numbers):012x}"


if os.environ.get("SCHEMATHESIS_AS") == "owner":
    plane = os.environ["SCHEMATHESIS_PLANE"]
    tenants = itertools.count(1)

    class Tenant:
        """One that is there, with a second token that may be revoked."""

        def __init__(self):
            self.name = f"fuzzed-{next(tenants)}"
            body = {"name": self.name, "secrets": {"ANTHROPIC_API_KEY": "sk-ant-example"}}
            self.token = self.post("/v1/tenants", body, 202)["token"]
            self.token_id = self.post(f"/v1/tenants/{self.name}/tokens", {"scopes": ["read"]}, 201)["details"]["id"]

        def post(self, path, body, status):
            headers = {"CF-Connecting-IP": next_address()}
            if hasattr(self, "token"):
                headers["Authorization"] = f"Bearer {self.token}"
            answer = requests.post(plane + path, json=body, headers=headers, timeout=60)
            assert answer.status_code == status, answer.text
            return answer.json()

    current = Tenant()

    @schemathesis.auth()
    class Owner:
        def get(self, case, context):
            return current

        def set(self, case, tenant, context):
            if case.path.startswith("/admin/"):
                shown = {"Cf-Access-Jwt-Assertion": os.environ["SCHEMATHESIS_ACCESS"]}
            else:
                shown = {"Authorization": f"Bearer {tenant.token}"}
            case.headers = {**(case.headers or {}), **shown}
            real = {"name": (EXAMPLE_NAME, tenant.name), "token": (EXAMPLE_TOKEN_ID, tenant.token_id)}
            for parameter, (example, value) in real.items():
                if (case.path_parameters or {}).get(parameter) == example:
                    case.path_parameters[parameter] = value

    @schemathesis.hook
    def after_call(context, case, response):
        global current
        # Of a tenant that is going there is little to try, and nothing by a token that is revoked.
        is_going = response.status_code == 202 and case.path.endswith("/{name}")
        is_locked = response.status_code == 200 and case.path.endswith("/tokens")
        if case.operation.method.upper() == "DELETE" and (is_going or is_locked):
            current = Tenant()
