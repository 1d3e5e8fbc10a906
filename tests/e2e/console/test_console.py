import re

import httpx
import pytest
from playwright.sync_api import expect

from gatehouse_hub.live.broadcast import ChangeKind
from gatehouse_testing.console.pages import Door, Equipment, Now, Settings
from gatehouse_testing.console.stage import OPERATOR, PASSWORD, Stage

pytestmark = pytest.mark.browser


def test_a_newcomer_must_choose_a_password_before_anything_is_shown(visit, stage: Stage):
    page = visit().page
    Door(page).sign_in("newcomer", stage.one_time_password)
    expect(page.get_by_role("heading", name="Choose your password")).to_be_visible()
    expect(page.locator("[data-incident]")).to_have_count(0)
    Door(page).choose_password(stage.one_time_password, "a password of my own")
    Now(page).is_there()


def test_the_queue_shows_the_most_urgent_first_with_a_clock_that_runs(now: Now):
    expect(now.rows).to_have_count(2)
    expect(now.rows.first).to_contain_text("P1")
    expect(now.rows.first).to_contain_text("E-bike shed, room 2")
    clock = now.rows.last.locator(".countdown")
    before = clock.inner_text()
    expect(clock).not_to_have_text(before)


def test_an_incident_is_opened_acknowledged_and_resolved_by_keyboard_alone(now: Now, stage: Stage):
    now.press("j", "Enter")
    expect(now.detail.get_by_role("heading", level=2)).to_have_text("Hot spot, E-bike shed, room 2")
    expect(now.detail).to_contain_text("Smoke 30 s after a hot spot")
    now.press("a")
    expect(now.detail).to_contain_text(f"Acknowledged by {OPERATOR}.")
    now.press("r", "1", "Enter")
    expect(now.detail).to_contain_text(f"Resolved by {OPERATOR}: real.")
    now.press("Escape")
    expect(now.detail).to_have_count(0)


def test_being_at_the_site_is_said_to_the_gateways(now: Now, stage: Stage):
    now.press("j", "Enter")
    now.press("a")
    expect(now.detail).to_contain_text("Acknowledged by")
    assert stage.front.asked_of_gateways() == []
    now.press("s")
    expect(now.detail).to_contain_text("The gateways have been told")
    assert {asked.at_site for asked in stage.front.asked_of_gateways()} == {True}


def test_what_is_new_waits_while_the_queue_is_being_read(now: Now, stage: Stage):
    now.press("j")
    stage.press_button()
    new = now.page.get_by_role("button", name="1 new")
    expect(new).to_be_visible()
    expect(now.rows).to_have_count(2)
    now.press("n")
    expect(now.rows).to_have_count(3)
    expect(now.row("Call for help")).to_contain_text("Market row")


def test_what_is_new_comes_by_itself_when_nobody_reads(now: Now, stage: Stage):
    now.page.mouse.move(700, 500)
    stage.press_button()
    expect(now.row("Call for help")).to_be_visible()


def test_the_plan_shows_levels_numbers_holes_and_hazards(now: Now):
    expect(now.zone("plaza")).to_have_class(re.compile(r"level-\d"))
    expect(now.zone("gate_hall")).to_have_class(re.compile("is-blind"))
    expect(now.zone("garden")).to_have_class(re.compile("is-uncounted"))
    expect(now.page.locator(".plan-figure").filter(has_text="640")).to_be_visible()
    expect(now.marks).to_have_count(2)
    now.marks.first.click()
    expect(now.detail).to_be_visible()


def test_the_plan_follows_the_numbers_without_a_reload(now: Now, stage: Stage):
    stage.count("plaza", "cam_plaza", 871, ago_s=0)
    stage.tell(ChangeKind.OCCUPANCY)
    expect(now.page.locator(".plan-figure").filter(has_text="871")).to_be_visible()


def test_the_language_is_the_browsers_and_a_choice_is_remembered(visit):
    page = visit(locale="zh-CN").page
    Door(page).sign_in(OPERATOR, PASSWORD)
    expect(page.get_by_role("link", name="当前")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("link", name="Equipment")).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="Equipment")).to_be_visible()


def test_the_equipment_shows_which_gateway_is_silent_and_which_camera_ails(now: Now):
    equipment = Equipment(now.page)
    equipment.open()
    expect(equipment.gateway("gw_gate")).to_contain_text("silent")
    expect(equipment.gateway("gw_plaza")).to_contain_text("+12 ms ± 4")
    expect(equipment.device("cam_lane")).to_contain_text("degraded")
    expect(equipment.quarantine.last).to_contain_text("not JSON")


def test_what_a_gateway_lost_is_said_in_words_and_numbers(now: Now):
    equipment = Equipment(now.page)
    equipment.open()
    shed = equipment.gateway("gw_shed")
    expect(shed).to_contain_text("37 messages are missing and will not come.")
    expect(shed).to_contain_text("37 readings: dropped, because the disk space for them was full")
    shed.get_by_text("In numbers").click()
    expect(shed.get_by_role("row").filter(has_text="bulk")).to_contain_text("41")
    expect(equipment.gateway("gw_plaza")).to_contain_text("Complete: everything")
    gate = equipment.gateway("gw_gate")
    expect(gate).to_contain_text("12 messages are still on their way.")
    expect(gate).to_contain_text("Its clock is 7 s ahead of the hub's.")


def test_who_is_told_is_said_beside_the_incident_and_what_did_not_arrive(now: Now, stage: Stage):
    stage.call("duty_desk", fails="status: 503")
    now.press("j", "Enter")
    expect(now.detail).to_contain_text("duty_desk · opened · waiting")
    Equipment(now.page).open()
    expect(now.page.locator(".told").last).to_contain_text("status: 503")


def test_a_token_is_shown_once_works_and_stops_when_revoked(now: Now, stage: Stage):
    settings = Settings(now.page)
    settings.open()
    bearer = {"Authorization": f"Bearer {settings.make_token('wall display')}"}
    address = f"{stage.url}/api/v1/sites"
    assert httpx.get(address, headers=bearer).status_code == 200
    settings.revoke_token("wall display")
    expect(settings.token("wall display")).to_have_count(0)
    assert httpx.get(address, headers=bearer).status_code == 401


def test_the_theme_is_the_one_that_was_chosen(now: Now):
    settings = Settings(now.page)
    settings.open()
    settings.choose("light")
    expect(now.page.locator("html")).to_have_attribute("data-theme", "light")
    settings.choose("dark")
    expect(now.page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_wall_shows_the_plan_and_the_load_and_nothing_to_press(now: Now, stage: Stage):
    now.page.goto(f"{stage.url}/?wall")
    expect(now.zone("plaza")).to_be_visible()
    expect(now.page.get_by_role("figure")).to_be_visible()
    expect(now.page.get_by_role("button")).to_have_count(0)


def test_on_a_phone_one_tap_leads_from_the_queue_to_one_incident_and_back(visit):
    page = visit(width=390, height=844).page
    Door(page).sign_in(OPERATOR, PASSWORD)
    now = Now(page)
    now.is_there()
    now.has_no_sideways_scroll()
    now.rows.first.click()
    expect(now.detail.get_by_role("heading", level=2)).to_be_visible()
    expect(now.rows).to_have_count(0)
    now.has_no_sideways_scroll()
    low = now.detail.get_by_role("button", name="Acknowledge").bounding_box()
    assert low is not None
    assert low["height"] >= 44
    page.get_by_role("link", name="Queue").click()
    now.is_there()


def test_a_lost_line_greys_what_is_live_and_says_since_when(chromium, stage: Stage):
    """A page of its own: a browser without network complains, as it should."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    page = context.new_page()
    page.goto(stage.url)
    Door(page).sign_in(OPERATOR, PASSWORD)
    Now(page).is_there()
    stage.front.services.broadcast.close()
    expect(page.get_by_text(re.compile(r"Connection lost since \d\d:\d\d:\d\d"))).to_be_visible()
    expect(page.locator(".shell")).to_have_class(re.compile("is-lost"))
    context.close()


def test_a_wrong_password_is_told_in_words(chromium, stage: Stage):
    """A page of its own: the browser logs every refusal."""
    page = chromium.new_context(locale="en-GB").new_page()
    page.goto(stage.url)
    Door(page).sign_in(OPERATOR, "not it")
    Door(page).says("Name or password is wrong")
    page.context.close()
