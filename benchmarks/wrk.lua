-- Posts a file again and again, and prints what was measured as one line of JSON.
-- Arguments: the file, its content type, and the mean pause between two requests in milliseconds.

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  wrk.method = "POST"
  wrk.body = file:read("*a")
  wrk.headers["Content-Type"] = arguments[2]
  file:close()
  local pause = tonumber(arguments[3])
  if pause > 0 then
    -- Pauses between half and one and a half of the mean, so that connections do not march in step.
    function delay()
      return math.floor(pause * (0.5 + math.random()) + 0.5)
    end
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "duration_us": %d, "failed": %d, "p50_us": %d, "p90_us": %d, "p99_us": %d}\n',
    summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(90), latency:percentile(99)))
end
