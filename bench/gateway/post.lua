-- One chat request over and over; key, path, further headers and the body come from the environment.
wrk.method = "POST"
wrk.path = os.getenv("GNOMON_BENCH_PATH")
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("GNOMON_BENCH_KEY")
for name, value in os.getenv("GNOMON_BENCH_HEADERS"):gmatch("([^\n:]+): ([^\n]+)") do wrk.headers[name] = value end
local file = io.open(os.getenv("GNOMON_BENCH_BODY"), "r")
wrk.body = file:read("*a")
file:close()
