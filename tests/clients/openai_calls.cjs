// The official Node client against a gateway: `node openai_calls.cjs URL KEYS`, with KEYS as JSON {role: key}.
// One line of JSON a call: {"call": name, "result": ...}; an error is {"error": class, "status", "code"}.
const OpenAI = require("openai");

const [url, rawKeys] = process.argv.slice(2);
const keys = JSON.parse(rawKeys);
const client = new OpenAI({baseURL: url, apiKey: keys.all, maxRetries: 0, timeout: 10_000});
const by = (role, options = {}) => client.withOptions({apiKey: keys[role], ...options});
const model = "gnomon-chat";
const ask = (content) => [{role: "user", content}];
const tool = {
  type: "function",
  function: {name: "weather", parameters: {type: "object", properties: {city: {type: "string"}}}},
};

async function text(stream) {
  let said = "";
  for await (const chunk of stream) said += chunk.choices[0]?.delta?.content ?? "";
  return said;
}

async function drained(limited) {
  for (let n = 0; n < 70; n++) await limited.models.list();
}

const calls = {
  chat: async () => (await client.chat.completions.create({model, messages: ask("你好")})).choices[0].message.content,
  choices: async () => {
    const answer = await client.chat.completions.create({model, messages: ask("你好"), n: 3, logprobs: true});
    return answer.choices.map((choice) => choice.logprobs.content.map((token) => token.token).join(""));
  },
  stream: async () => text(await client.chat.completions.create({model, messages: ask("你好"), stream: true})),
  stream_helper: async () => {
    const runner = client.chat.completions.stream({model, messages: ask("你好"), stream_options: {include_usage: true}});
    const final = await runner.finalChatCompletion();
    return [final.choices[0].message.content, final.usage.total_tokens];
  },
  stream_aborted: async () => {
    const stream = await client.chat.completions.create({model, messages: ask("你好"), stream: true});
    for await (const chunk of stream) {
      stream.controller.abort();
      return chunk.object;
    }
  },
  tools: async () => {
    const answer = await client.chat.completions.create({model, messages: ask("天气"), tools: [tool]});
    const {name, arguments: given} = answer.choices[0].message.tool_calls[0].function;
    return [answer.choices[0].finish_reason, name, JSON.parse(given).city];
  },
  stream_tools: async () => {
    const runner = client.chat.completions.stream({model, messages: ask("天气"), tools: [tool]});
    const final = await runner.finalChatCompletion();
    return JSON.parse(final.choices[0].message.tool_calls[0].function.arguments).city;
  },
  json_object: async () => {
    const answer = await client.chat.completions.create({
      model, messages: ask("?"), response_format: {type: "json_object"},
    });
    return JSON.parse(answer.choices[0].message.content).answer;
  },
  completions: async () => (await client.completions.create({model, prompt: "一"})).choices[0].text,
  embeddings: async () => {
    const answer = await client.embeddings.create({model, input: ["一", "二"]});
    return [answer.data.length, Array.from(answer.data[0].embedding).slice(0, 3)];
  },
  models: async () => {
    const names = [];
    for await (const found of client.models.list()) names.push(found.id);
    return names.includes(model);
  },
  masked: async () =>
    (await by("all").chat.completions.create({model: "gnomon-private", messages: ask(`echo ${keys.mobile}。`)}))
      .choices[0].message.content.includes(keys.mobile),
  restored: async () =>
    (await text(await by("restores").chat.completions.create({
      model: "gnomon-private", messages: ask(`echo ${keys.mobile}。`), stream: true,
    }))).includes(keys.mobile),
  wrong_key: () => client.withOptions({apiKey: "sk-wrong"}).models.list(),
  not_permitted: () => by("others").chat.completions.create({model, messages: ask("你好")}),
  unknown_model: () => client.chat.completions.create({model: "no-such", messages: ask("你好")}),
  bad_request: () => client.chat.completions.create({model, messages: []}),
  blocked: () => client.chat.completions.create({model: "gnomon-blocking", messages: ask(`电话 ${keys.mobile}`)}),
  upstream_failed: () => client.chat.completions.create({model, messages: ask("fail 500")}),
  upstream_limited: () => client.chat.completions.create({model, messages: ask("fail 429"), stream: true}),
  upstream_away: () => client.chat.completions.create({model: "gnomon-away", messages: ask("你好")}),
  own_timeout: () => client.withOptions({timeout: 200}).chat.completions.create({model, messages: ask("slow")}),
  limited: () => drained(by("limited")),
  limited_then_waits: async () => {
    const started = Date.now();
    await by("limited", {maxRetries: 2}).models.list();
    return Date.now() - started >= 900;
  },
};

async function main() {
  for (const [call, make] of Object.entries(calls)) {
    let result;
    try {
      result = await make();
    } catch (error) {
      result = {error: error.constructor.name, status: error.status ?? null, code: error.code ?? null};
    }
    console.log(JSON.stringify({call, result}));
  }
}

main();
