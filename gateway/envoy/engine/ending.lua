-- How a carried call ends for its caller: with the upstream's own answer or refusal as it is, and with the gateway's
-- words where the upstream failed; and beside either what the gateway says of the call. What became of it is written
-- into Envoy's metadata, from which the access log tells the gateway. WORDS, SAID_NO, NAMES and KEY are put before this
-- text.

local ASKED = "envoy.filters.http.ext_authz"
local OWN = "pilote"
local FATE = "pilote-fate"
local KEPT = { ["grpc-status"] = true, ["grpc-message"] = true, ["grpc-status-details-bin"] = true }

-- Nobody but the gateway speaks in its name, or in the transport's.
local function without_ours(headers, kept)
  local found = {}
  for name, _ in pairs(headers) do
    local start = string.sub(name, 1, 7)
    if start == "pilote-" or name == "traceparent" or name == "tracestate" or name == "user-agent"
      or name == "authorization" or name == "x-api-key" or (string.sub(start, 1, 5) == "grpc-" and not kept[name]) then
      found[#found + 1] = name
    end
  end
  for _, name in ipairs(found) do headers:remove(name) end
end

local function say(headers, reason, french)
  local words = WORDS[reason]
  headers:replace("grpc-status", words.status)
  headers:replace("grpc-message", words.message)
  headers:replace("grpc-status-details-bin", french and words.french or words.english)
end

-- Why the gateway ends a call that failed, and whether the upstream has acted: "no" or "maybe".
local function failed(status, details, fate, harmless)
  if fate == "unsent" then return "DRAINING", "no" end -- nobody who could redact it has answered
  if fate == "untouched" or (fate == nil and status == "14" and details) then return "UPSTREAM_UNAVAILABLE", "no" end
  if not harmless then return "UPSTREAM_IN_DOUBT", "maybe" end
  if fate == "late" or status == "4" then return "DEADLINE_EXCEEDED", "maybe" end
  if status == "14" or status == "1" then return "UPSTREAM_UNAVAILABLE", "maybe" end
  return "UPSTREAM_FAILED", "maybe"
end

function envoy_on_response(handle)
  local headers, told = handle:headers(), handle:streamInfo():dynamicMetadata():get(ASKED)
  local fate = headers:get(FATE)
  if fate then headers:remove(FATE) end
  if told == nil or told["pilote-call"] == nil then
    if fate then say(headers, "DRAINING", false) end -- the gateway itself does not answer
    return
  end
  if fate == KEY then return end -- the call has gone on where it was decided about, and ends in its own words
  if fate == "untouched" and told["pilote-again"] then fate = "broken" end -- where it was to go on; the first try may have
  local ending = headers
  if headers:get(":status") ~= "200" then -- whoever answered so does not speak gRPC
    without_ours(headers, {})
    headers:remove("content-length")
    headers:replace(":status", "200")
    headers:replace("content-type", "application/grpc")
    local body = handle:body()
    if body then body:setBytes("") end
    headers:replace("grpc-status", "2")
  elseif headers:get("grpc-status") then
    without_ours(headers, KEPT)
  else
    without_ours(headers, { ["grpc-encoding"] = true })
    ending = handle:trailers()
    if ending == nil then return end
    without_ours(ending, KEPT)
  end
  local status = ending:get("grpc-status")
  local reason, acted = "", "yes"
  if status ~= "0" then
    acted = "no"
    if not SAID_NO[status] or fate then
      reason, acted = failed(status, ending:get("grpc-status-details-bin"), fate, told["pilote-harmless"])
      say(ending, reason, told["pilote-french"])
    end
  end
  for name, value in string.gmatch(told["pilote-said"], "([^\t]+)\t([^\t]*)") do ending:add(name, value) end
  local names = (NAMES[ending:get("grpc-status")] or "UNKNOWN") .. " " .. (NAMES[status] or "UNKNOWN")
  -- Whatever was got before the trailers came is void by now.
  handle:streamInfo():dynamicMetadata():set(OWN, "ended", acted .. " " .. names .. " " .. reason)
end
