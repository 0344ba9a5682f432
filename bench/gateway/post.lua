-- One chat request over and over; the bearer token and the body come from the environment.
wrk.method = "POST"
wrk.path = "/v1/chat/completions"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("GNOMON_BENCH_KEY")
local file = io.open(os.getenv("GNOMON_BENCH_BODY"), "r")
wrk.body = file:read("*a")
file:close()
