const http = require('http')
const fs = require('fs')
const ms = require('ms')

const answer = JSON.stringify({
  name: process.env.NAME,
  second: ms('1s'),
  built: JSON.parse(fs.readFileSync('built.json')),
  pruned: !fs.existsSync('node_modules/is-odd'),
  user: process.getuid(),
  environment: process.env.NODE_ENV
})
http.createServer((request, response) => response.end(answer)).listen(process.env.PORT)
