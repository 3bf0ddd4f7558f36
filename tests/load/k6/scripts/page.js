import { check } from 'k6'
import { parseHTML } from 'k6/html'

/** Pages as scripts take them apart, in the manner of k6's documentation. Runs inside Node, and as a guest from `blocking/page.js`. */
const atStart = parseHTML('<p id="first">before <b>the</b> first iteration</p>')

const page = `
<html><head><title>Hall</title><script>let a = 1</script></head><body>
<ul class="seats" data-hall="main" data-row-count="12" data-open="true" data-prices='{"VIP":90}'>
  <li id="a1" class="seat free">A1</li><li id="a2" class="seat">A2 &amp; more</li>
  <li id="a3" class="seat free"><a href="/seats/a3">A3</a></li>
</ul>
<form id="order" action="/orders" method="post">
  <input name="seat" value="A1"><input name="count" type="number" value="2">
  <input type="hidden" name="csrf_token" value="t&quot;oken">
  <input type="checkbox" name="news" value="yes" checked="checked"><input type="checkbox" name="no" value="no">
  <input type="text" name="off" value="1" disabled="disabled"><input type="file" name="file">
  <select name="tier"><option>VIP</option><option value="std" selected>Standard</option></select>
  <select name="extras" multiple><option selected>drink</option><option selected>coat</option></select>
  <textarea name="note">none &lt;</textarea>
  <button type="submit" name="buy" value="now">Buy</button>
</form></body></html>`

export const options = { iterations: 2, thresholds: { checks: ['rate==1'] } }

export default function () {
  const doc = parseHTML(page)
  const seats = doc.find('li.seat')
  const order = doc.find('#order')
  check(doc, {
    'the title': (d) => d.find('head title').text() === 'Hall',
    'what is not there': (d) =>
      d.find('h9').size() === 0 && d.find('h9').text() === '' && d.find('h9').attr('id') === undefined,
    attributes: () => seats.attr('id') === 'a1' && seats.attr('nope', 'else') === 'else',
    html: () =>
      seats.last().html() === '<a href="/seats/a3">A3</a>' && seats.eq(1).html() === 'A2 &amp; more',
    'entities are read': () => seats.eq(1).text() === 'A2 & more',
    places: () => seats.first().is('#a1') && seats.eq(-1).is('#a3') && seats.slice(1).size() === 2,
    filters: () =>
      ids(seats.filter('.free')) === 'a1,a3' &&
      ids(seats.not('.free')) === 'a2' &&
      ids(seats.filter((at) => at > 0)) === 'a2,a3' &&
      ids(seats.filter((_, seat) => seat.find('a').size() > 0)) === 'a3' &&
      ids(seats.not(seats.first())) === 'a2,a3',
    having: () => ids(seats.has('a')) === 'a3' && seats.is((_, seat) => seat.text() === 'A1'),
    neighbours: () =>
      seats.first().next().attr('id') === 'a2' &&
      ids(seats.first().nextAll('.free')) === 'a3' &&
      ids(seats.last().prev()) === 'a2' &&
      ids(seats.last().prevAll()) === 'a2,a1' &&
      ids(seats.last().prevUntil('#a1')) === 'a2' &&
      ids(seats.eq(1).siblings()) === 'a1,a3',
    parents: () =>
      doc.find('li a').parent().attr('id') === 'a3' &&
      doc.find('li a').closest('ul').attr('class') === 'seats' &&
      doc.find('li a').parents('ul').size() === 1 &&
      doc.find('ul').children('.free').size() === 2 &&
      doc.find('ul').children().end().is('ul'),
    contents: () => doc.find('#a3').contents().size() === 1 && doc.find('#a1').contents().text() === 'A1',
    data: () => {
      const list = doc.find('ul')
      return (
        list.data('hall') === 'main' &&
        list.data('rowCount') === 12 &&
        list.data('open') === true &&
        list.data('prices').VIP === 90 &&
        list.data().rowCount === 12
      )
    },
    'each and map': () => {
      const found = []
      seats.each((at, element) => found.push(at + element.getAttribute('id') + element.textContent()))
      const texts = seats.map((at, seat) => at + seat.text())
      return (
        found.join() === '0a1A1,1a2A2 & more,2a3A3' &&
        texts.join() === '0A1,1A2 & more,2A3' &&
        seats.toArray()[2].find('a').attr('href') === '/seats/a3'
      )
    },
    elements: () => {
      const [, , third] = seats.get()
      return (
        third.nodeName() === 'li' &&
        third.firstElementChild().innerHTML() === 'A3' &&
        seats.get(0).classList().join() === 'seat,free' &&
        third.parentElement().nodeName() === 'ul' &&
        third.querySelector('a').getAttribute('href') === '/seats/a3'
      )
    },
    values: () =>
      order.find('[name=seat]').val() === 'A1' &&
      order.find('select[name=tier]').val() === 'std' &&
      order.find('[name=extras]').val().join() === 'drink,coat' &&
      order.find('textarea').val() === 'none &lt;' &&
      order.find('input[name=csrf_token]').first().attr('value') === 't"oken',
    'a form as text': () =>
      order.serialize() ===
      'count=2&csrf_token=t%22oken&extras=drink&extras=coat&news=yes&note=none+%26lt%3B&seat=A1&tier=std',
    'a form as object and list': () =>
      order.serializeObject().news === 'yes' &&
      order.serializeArray()[0].name === 'seat' &&
      order.serializeArray().length === 7,
    'a page of the init context stays': () => atStart.find('b').text() === 'the',
    added: () => ids(seats.first().add('#a3').add(seats.eq(1))) === 'a1,a3,a2',
  })
}

function ids(selection) {
  return selection.map((_, one) => one.attr('id')).join()
}
